package dev.levitmobile

import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.ContractJson
import dev.levitmobile.store.Bundle
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest

/** The bundles that `tools/write_bundles.py` makes: every recipe of the trained model, and Python's logits of 64 digits. */
object TestBundles {
    /** Folder of the bundles; null where none were made. */
    val root: File? = System.getProperty("levit.bundles")?.let(::File)

    /** Names of all bundles. */
    val names: List<String> = root?.list().orEmpty().sorted()

    const val LITERT = "levit_128s-tflite-fp32"
    const val EXECUTORCH = "levit_128s-executorch-fp32"

    fun folder(name: String): File = File(checkNotNull(root), name)

    fun open(name: String): Bundle = Bundle.open(folder(name))

    /** 64 held-out digits, RGB bytes [256,256,3] each. */
    val digits: List<ByteArray> by lazy { pieces("digits.rgb8", 256 * 256 * 3) }

    /** The same as Python prepares them, RGB bytes [224,224,3] each. */
    val prepared: List<ByteArray> by lazy { pieces("prepared.rgb8", 224 * 224 * 3) }

    /** What Python's runner of the same artifact makes of [prepared]. */
    fun expected(name: String): List<FloatArray> {
        val floats = ByteBuffer.wrap(beside("expected/$name.f32").readBytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return List(floats.capacity() / CLASSES) { FloatArray(CLASSES).also(floats::get) }
    }

    /** Whether Python's logits are beside the bundles. */
    fun hasExpected(): Boolean = beside("expected").isDirectory

    /** A copy of a bundle whose contract is changed. */
    fun changed(
        name: String,
        into: File,
        change: (Contract) -> Contract,
    ): File {
        folder(name).copyRecursively(into)
        val file = File(into, "contract.json")
        file.writeText(ContractJson.write(change(ContractJson.read(file.readText()))))
        return into
    }

    fun sha256(file: File): String = MessageDigest.getInstance("SHA-256").digest(file.readBytes()).joinToString("") { "%02x".format(it) }

    private fun beside(path: String) = File(checkNotNull(root).parentFile, path)

    private fun pieces(
        path: String,
        size: Int,
    ): List<ByteArray> {
        val all = beside(path).readBytes()
        return List(all.size / size) { all.copyOfRange(it * size, (it + 1) * size) }
    }

    private const val CLASSES = 10
}
