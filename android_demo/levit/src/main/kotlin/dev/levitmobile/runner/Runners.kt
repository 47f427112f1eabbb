package dev.levitmobile.runner

import dev.levitmobile.contract.Runtime
import dev.levitmobile.parity.NotAvailableException
import dev.levitmobile.store.Bundle
import dev.levitmobile.store.DamagedBundleException
import dev.levitmobile.store.UnsupportedBundleException
import dev.levitmobile.timing.Accelerator

/** Opens the runner that a bundle needs. */
public object Runners {
    /** Version of each runtime that this library is built with. */
    public val versions: Map<Runtime, String> = mapOf(Runtime.LITERT to "2.3.0", Runtime.EXECUTORCH to "1.4.1")

    /**
     * Load a bundle's artifact. This takes as long as reading the file and, on a GPU, compiling it.
     *
     * @param bundle What to run.
     * @param accelerator Where to run it; nothing else is tried if it cannot.
     * @param threads Number of CPU threads, 1 or more.
     * @throws NotAvailableException The device lacks the accelerator, the runtime's native library cannot be loaded, or
     *   the runtime is too old or too new for the artifact.
     * @throws InferenceException The runtime refuses the artifact.
     * @throws DamagedBundleException The artifact has changed since the bundle was opened.
     */
    public fun open(
        bundle: Bundle,
        accelerator: Accelerator = Accelerator.CPU,
        threads: Int = 1,
    ): Runner =
        when (Runtime.of(bundle.contract)) {
            Runtime.LITERT -> LiteRtRunner(bundle, accelerator, threads)
            Runtime.EXECUTORCH -> executorch(bundle, accelerator, threads)
            null -> throw UnsupportedBundleException(
                "${bundle.folder.name} has ${bundle.contract.artifact.file}, expected a .tflite or .pte file",
            )
        }

    private fun executorch(
        bundle: Bundle,
        accelerator: Accelerator,
        threads: Int,
    ): Runner {
        if (accelerator == Accelerator.CPU) return ExecuTorchRunner(bundle, threads)
        throw NotAvailableException("ExecuTorch artifacts run on the CPU only, and the $accelerator was asked for")
    }
}

/**
 * Check what can be checked before a runtime sees the artifact.
 *
 * LiteRT 2.3.0 does not verify a file: one that is cut short ends the whole process. The digest was compared when the
 * bundle was opened; the size is compared again here, because that costs nothing.
 *
 * @throws NotAvailableException The runtime in the app does not load it.
 * @throws DamagedBundleException The artifact is missing or has another size.
 */
internal fun requireLoadable(
    bundle: Bundle,
    runtime: Runtime,
    threads: Int,
) {
    require(threads >= 1) { "threads is $threads, expected 1 or more" }
    require(Runtime.of(bundle.contract) == runtime) { "${bundle.folder.name} is not for ${runtime.title}" }
    runtime.refuses(bundle.contract, Runners.versions.getValue(runtime))?.let { throw NotAvailableException(it) }
    val stated = bundle.contract.artifact
    val bytes = bundle.artifact.length()
    if (bytes != stated.bytes) {
        throw DamagedBundleException("${bundle.folder.name}: ${stated.file} has $bytes bytes, expected ${stated.bytes}")
    }
}

/** What a native library that cannot be loaded means to a user. */
internal fun noLibrary(
    runtime: Runtime,
    error: LinkageError,
): NotAvailableException {
    val processor = System.getProperty("os.arch").orEmpty()
    return NotAvailableException(
        "the native library of ${runtime.title} cannot be loaded on this device (processor $processor); " +
            "it exists for 64-bit ARM and x86 only, so a 32-bit system cannot run the artifact",
        error,
    )
}
