import Testing

@testable import LevitMobileKit

/// Source of the vectors: NIST's examples for FIPS 180-4.
@Suite("SHA-256")
struct SHA256Tests {
    @Test(
        "The published vectors",
        arguments: [
            ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                    + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu", 1,
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
            ),
            ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ])
    func published(text: String, times: Int, expected: String) {
        #expect(SHA256Digest.of(String(repeating: text, count: times).utf8) == expected)
    }

    @Test("Bytes in parts have the digest of the whole, and the package's own digest is the system's")
    func parts() {
        let bytes = TestData.drawn(seed: 7, count: 300)
        let whole = SHA256Digest.of(bytes)
        for size in [1, 55, 56, 63, 64, 65, 128, 299] {
            var (digest, own) = (SHA256Digest(), PortableSHA256())
            for from in stride(from: 0, to: bytes.count, by: size) {
                let part = Array(bytes[from..<min(from + size, bytes.count)])
                part.withUnsafeBytes { digest.update($0) }
                part.withUnsafeBytes { own.update($0) }
            }
            #expect(digest.finish() == whole, "parts of \(size)")
            let hexadecimal = own.finish().map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined()
            #expect(hexadecimal == whole, "parts of \(size)")
        }
    }
}
