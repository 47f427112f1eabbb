package dev.levitmobile.demo.support

import dev.levitmobile.contract.Artifact
import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.ContractJson
import dev.levitmobile.contract.CropRounding
import dev.levitmobile.contract.Golden
import dev.levitmobile.contract.Input
import dev.levitmobile.contract.InputType
import dev.levitmobile.contract.Interpolation
import dev.levitmobile.contract.Layout
import dev.levitmobile.contract.Model
import dev.levitmobile.contract.Output
import dev.levitmobile.contract.OutputType
import dev.levitmobile.contract.Preprocessing
import dev.levitmobile.contract.ResizeMode
import dev.levitmobile.contract.Tolerance
import dev.levitmobile.contract.Verdict
import dev.levitmobile.store.Bundle
import java.io.File
import java.nio.file.Files

/** A bundle of a few bytes whose digests are right; no runtime can load it. */
object SampleBundle {
    const val NAME: String = "levit_128s-tflite-int8"
    const val OTHER: String = "levit_128s-executorch-fp32"
    private const val SIDE = 8
    private const val CLASSES = 10
    private val artifact = ByteArray(64) { it.toByte() }
    private val labels = (0 until CLASSES).joinToString("\n") { "class $it" }.toByteArray()
    private val pixels = ByteArray(3 * SIDE * SIDE)
    private val logits = ByteArray(4 * CLASSES)

    /** Its contract; [file] ends with the runtime's extension. */
    fun contract(
        recipe: String = "tflite-int8",
        file: String = "model.tflite",
        verdict: Verdict = Verdict.PROVEN,
    ): Contract =
        Contract(
            schemaVersion = Contract.SCHEMA_VERSION,
            tool = "1.0.0",
            recipe = recipe,
            model =
                Model(
                    "levit",
                    "levit_128s",
                    null,
                    CLASSES,
                    7_014_758,
                    303_900_512,
                    digest(artifact),
                    "levit-mobile",
                    null,
                    "levit_128s.safetensors",
                ),
            artifact =
                Artifact(
                    file,
                    digest(artifact),
                    artifact.size.toLong(),
                    1,
                    mapOf(
                        "executorch" to "1.4.1",
                        "ai-edge-litert" to "2.3.0",
                    ),
                ),
            input = Input("image", listOf(1, SIDE, SIDE, 3), Layout.NHWC, InputType.FLOAT32, listOf(0.0, 1.0)),
            output = Output("logits", listOf(1, CLASSES), OutputType.FLOAT32, labelsSha256 = digest(labels)),
            preprocessing = preprocessing(),
            tolerance = Tolerance(minSqnrDb = 25.0, minTop1Agreement = 0.98),
            golden = listOf(golden()),
            verdict = verdict,
        )

    /** The bytes of its files, by their paths. */
    val files: Map<String, ByteArray> =
        mapOf(
            "contract.json" to ContractJson.write(contract()).toByteArray(),
            "model.tflite" to artifact,
            "labels.txt" to labels,
            "golden/0.rgb8" to pixels,
            "golden/0.f32" to logits,
        )

    /** The bundle in a folder of its own. */
    fun open(name: String = NAME): Bundle {
        val folder = File(Files.createTempDirectory("bundle").toFile(), name)
        for ((path, bytes) in files) File(folder, path).apply { parentFile?.mkdirs() }.writeBytes(bytes)
        return Bundle.open(folder)
    }

    private fun golden() =
        Golden("one", "golden/0.rgb8", digest(pixels), listOf(SIDE, SIDE, 3), "golden/0.f32", digest(logits), listOf(CLASSES))

    private fun preprocessing() =
        Preprocessing(
            mode = ResizeMode.SHORT_SIDE,
            height = 256,
            width = 256,
            cropHeight = 224,
            cropWidth = 224,
            interpolation = Interpolation.BICUBIC,
            antialias = true,
            cropRounding = CropRounding.HALF_EVEN,
            mean = listOf(0.485, 0.456, 0.406),
            std = listOf(0.229, 0.224, 0.225),
            rescale = 1 / 255.0,
            source = "the paper",
        )

    private fun digest(bytes: ByteArray): String = DeployedBundles.sha256(bytes)
}
