#if canImport(ExecuTorch)
    import ExecuTorch
    import Foundation
    import LevitMobileKit

    extension DataType {
        /// Type of an input's values.
        init(_ type: ElementType) {
            self =
                switch type {
                case .float32: .float
                case .float16: .half
                case .int8: .char
                case .uint8: .byte
                }
        }

        /// Type of an output's values.
        init(_ type: OutputType) {
            self =
                switch type {
                case .float32: .float
                case .float16: .half
                case .int8: .char
                }
        }

        /// Name in sentences.
        var title: String {
            switch self {
            case .float: "float32"
            case .half: "float16"
            case .char: "int8"
            case .byte: "uint8"
            default: "ExecuTorch's type \(rawValue)"
            }
        }
    }

    /// Does a step of ExecuTorch; an error gets a sentence that states what failed.
    func reporting<Result>(_ what: String, _ step: () throws -> Result) throws -> Result {
        do {
            return try step()
        } catch {
            throw explained(what, error as NSError)
        }
    }

    /// What an error's code means; source of the codes: `ExecuTorchError.h` of ExecuTorch 1.4.1.
    private func explained(_ what: String, _ error: NSError) -> any Swift.Error {
        let sentence = ["ExecuTorch \(what)", reason(error.code), error.localizedDescription].compactMap { $0 }
            .joined(separator: ": ")
        return isLacking(error.code) ? NotAvailableError(sentence) : InferenceError(sentence)
    }

    private func reason(_ code: Int) -> String? {
        switch code {
        case 20: "the app's ExecuTorch lacks one of its operators"
        case 32: "the app's ExecuTorch has no such backend or method; is -all_load among the app's linker flags?"
        case 33, 49: "the device's memory does not suffice"
        case 34: "the file cannot be read"
        case 35: "the file is damaged or made by a newer ExecuTorch"
        case 48: "it was made for another version of its backend"
        default: nil
        }
    }

    private func isLacking(_ code: Int) -> Bool { code == 20 || code == 32 }
#endif
