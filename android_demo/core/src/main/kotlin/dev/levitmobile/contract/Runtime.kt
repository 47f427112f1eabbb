package dev.levitmobile.contract

/** A phone's runtime, by the suffix of the artifacts that it loads. */
public enum class Runtime(
    internal val suffix: String,
    /** Name in timing records. */
    public val title: String,
    /** Name of the package that made the artifact, in the contract's toolchain. */
    internal val maker: String,
) {
    LITERT(".tflite", "LiteRT", "ai-edge-litert"),
    EXECUTORCH(".pte", "ExecuTorch", "executorch"),
    ;

    public companion object {
        /** The runtime of a contract's artifact; null for a target that Android does not run, such as Core ML. */
        public fun of(contract: Contract): Runtime? = entries.firstOrNull { contract.artifact.file.endsWith(it.suffix) }
    }

    /**
     * Why a runtime of this version does not load the artifact; null if it does, or if the contract does not state the
     * versions.
     *
     * ExecuTorch loads programs of its own and of the previous minor version, never those of a later one; source:
     * `runtime/COMPATIBILITY.md` of ExecuTorch 1.4.1. LiteRT loads those of its own major version.
     *
     * @param version Version of the runtime in the app, such as `1.4.1`.
     */
    public fun refuses(
        contract: Contract,
        version: String,
    ): String? {
        val (madeMajor, madeMinor) = numbers(contract.artifact.toolchain[maker] ?: return null) ?: return null
        val (major, minor) = numbers(version) ?: return null
        val loads = major == madeMajor && (this == LITERT || minor - madeMinor in 0..1)
        if (loads) return null
        val expected = if (this == LITERT) "$madeMajor.x" else "$madeMajor.$madeMinor or $madeMajor.${madeMinor + 1}"
        return "the artifact was made by $title ${contract.artifact.toolchain[maker]}, and the app has $version, expected $expected"
    }

    private fun numbers(version: String): Pair<Int, Int>? {
        val parts = version.split(".").map { it.toIntOrNull() }
        return (parts.getOrNull(0) ?: return null) to (parts.getOrNull(1) ?: return null)
    }
}
