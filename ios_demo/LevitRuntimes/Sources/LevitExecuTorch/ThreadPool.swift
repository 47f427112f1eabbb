#if canImport(ExecuTorch)
    import Foundation
    import LevitMobileKit
    import LevitThreadPool

    /// The open artifacts of this process, and the size of the pool that they share.
    ///
    /// A change of the size frees the pool that open artifacts use, and their next run would crash.
    final class ThreadPool: @unchecked Sendable {
        static let shared = ThreadPool()

        private let lock = NSLock()
        private var artifacts = 0
        private var size = 0

        /// Loads something with a pool of so many threads; `release` gives the pool back.
        ///
        /// - Throws: `NotAvailableError` if an open artifact uses another number, and what `load` throws.
        func reserving<Loaded>(_ threads: Int, load: () throws -> Loaded) throws -> Loaded {
            lock.lock()
            defer { lock.unlock() }
            if artifacts == 0 { try resize(threads) }
            if threads != size {
                throw NotAvailableError(
                    "ExecuTorch has one thread pool per process, and an open artifact uses it with \(size) thread(s); "
                        + "close that one before opening one with \(threads)")
            }
            let loaded = try load()
            artifacts += 1
            return loaded
        }

        func release() {
            lock.withLock { artifacts -= 1 }
        }

        private func resize(_ threads: Int) throws {
            guard let count = UInt32(exactly: threads), levit_set_threads(count) else {
                throw NotAvailableError("ExecuTorch cannot make a pool of \(threads) threads")
            }
            size = threads
        }
    }
#endif
