package dev.levitmobile.store

import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.ContractJson
import dev.levitmobile.contract.FormatException
import dev.levitmobile.contract.Golden
import dev.levitmobile.contract.Runtime
import dev.levitmobile.parity.GoldenImage
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A sound bundle that Android has no runtime for. */
public class UnsupportedBundleException(
    message: String,
) : Exception(message)

/**
 * A bundle's folder, opened and checked against the digests of its contract.
 *
 * @property folder The folder.
 * @property contract What it states.
 * @property contractSha256 SHA-256 of `contract.json`.
 * @property labels One label per class, in class order.
 * @property golden The golden images.
 */
public class Bundle private constructor(
    public val folder: File,
    public val contract: Contract,
    public val contractSha256: String,
    public val labels: List<String>,
    public val golden: List<GoldenImage>,
) {
    /** The artifact's file, which runtimes load by its path. */
    public val artifact: File get() = File(folder, contract.artifact.file)

    public companion object {
        /**
         * Open a bundle.
         *
         * @throws DamagedBundleException A file is missing, or is not what the contract states.
         * @throws UnsupportedBundleException The artifact is for iOS.
         */
        public fun open(folder: File): Bundle =
            try {
                val text = File(folder, "contract.json").readBytes()
                val contract = ContractJson.read(String(text))
                requireArtifact(folder, contract)
                Bundle(folder, contract, sha256(text), labels(folder, contract), contract.golden.map { golden(folder, it) })
            } catch (error: FormatException) {
                throw DamagedBundleException("${folder.name}: ${error.message}", error)
            } catch (error: IOException) {
                throw DamagedBundleException("${folder.name}: ${error.message}", error)
            }

        private fun requireArtifact(
            folder: File,
            contract: Contract,
        ) {
            val stated = contract.artifact
            if (Runtime.of(contract) == null) {
                throw UnsupportedBundleException("${folder.name} has ${stated.file}, expected a .tflite or .pte file")
            }
            val file = inside(folder, stated.file)
            if (!file.isFile) throw DamagedBundleException("${folder.name}: ${stated.file} is missing or not a file")
            val (_, digest) = file.inputStream().use { drain(it) { _, _ -> } }
            requireDigest(folder, stated.file, digest, stated.sha256)
        }

        private fun labels(
            folder: File,
            contract: Contract,
        ): List<String> {
            val bytes = read(folder, contract.output.labelsFile, contract.output.labelsSha256)
            val labels = String(bytes).removeSuffix("\n").split("\n")
            val classes = contract.output.shape[1]
            if (labels.size != classes) throw DamagedBundleException("${folder.name} has ${labels.size} labels, expected $classes")
            return labels
        }

        private fun golden(
            folder: File,
            stated: Golden,
        ): GoldenImage {
            val pixels = read(folder, stated.rgb8File, stated.rgb8Sha256)
            val logits = read(folder, stated.logitsFile, stated.logitsSha256)
            if (pixels.size != stated.rgb8Shape.reduce(Int::times) || logits.size != 4 * stated.logitsShape[0]) {
                throw DamagedBundleException("${folder.name}: the size of the golden image ${stated.name} is not the stated one")
            }
            val values = FloatArray(stated.logitsShape[0])
            ByteBuffer
                .wrap(logits)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer()
                .get(values)
            return GoldenImage(stated.name, pixels, values)
        }

        private fun read(
            folder: File,
            path: String,
            sha256: String,
        ): ByteArray = inside(folder, path).readBytes().also { requireDigest(folder, path, sha256(it), sha256) }

        private fun inside(
            folder: File,
            path: String,
        ): File {
            if (!isInside(path)) throw DamagedBundleException("${folder.name}: $path is not a path below the bundle's folder")
            return File(folder, path)
        }

        private fun requireDigest(
            folder: File,
            path: String,
            found: String,
            stated: String,
        ) {
            if (found != stated) throw DamagedBundleException("${folder.name}: $path has digest $found, expected $stated")
        }
    }
}
