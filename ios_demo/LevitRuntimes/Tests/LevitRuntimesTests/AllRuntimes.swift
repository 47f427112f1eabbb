import Testing

/// All tests that run artifacts: ExecuTorch's thread pool belongs to the process, so they run one after the other.
@Suite(.serialized, .enabled(if: TestBundles.exist, "LEVIT_BUNDLES names no bundles"))
struct Runtimes {}
