package dev.levitmobile.runner

import dev.levitmobile.TestBundles
import dev.levitmobile.contract.Verdict
import dev.levitmobile.image.Orientation
import dev.levitmobile.image.Preprocessor
import dev.levitmobile.image.RgbFrame
import dev.levitmobile.parity.Metrics
import dev.levitmobile.parity.SelfCheck
import org.junit.After
import org.junit.Assume.assumeTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Every recipe that Android runs, on the real runtime: golden images, and Python's logits of the same artifact. */
@RunWith(Parameterized::class)
class RecipesTest(
    private val name: String,
) {
    private val bundle = TestBundles.open(name)
    private val runner = Runners.open(bundle)

    @After
    fun close() = runner.close()

    @Test
    fun `the golden images hold the contract's tolerance`() {
        val contract = bundle.contract
        val result = SelfCheck.run(bundle.golden, contract.tolerance, contract.output.head, runner::infer)
        assertEquals(emptyList(), result.reasons)
        assertEquals(Verdict.PROVEN, result.verdict)
        assertEquals(contract.golden.size, result.images)
    }

    @Test
    fun `64 digits get the logits of Python's runner`() {
        assumeTrue(TestBundles.hasExpected())
        val expected = TestBundles.expected(name)
        val found = TestBundles.prepared.map { runner.infer(it) }
        assertEquals(64, found.size)
        assertEquals(1.0, Metrics.topKAgreement(expected, found, 1))
        val worst = Metrics.maxAbsError(expected, found)
        assertTrue(worst <= BOUND, "$name: the logits differ by up to $worst, expected at most $BOUND")
    }

    @Test
    fun `the digits are prepared as Python prepares them`() {
        assumeTrue(TestBundles.hasExpected())
        val preprocessor = Preprocessor(bundle.contract)
        TestBundles.digits.zip(TestBundles.prepared).take(8).forEach { (whole, prepared) ->
            preprocessor.prepare(RgbFrame(whole, 256, 256), Orientation.UPRIGHT)
            assertContentEquals(prepared, preprocessor.pixels)
        }
    }

    @Test
    fun `the same image gives the same logits again, whatever came between`() {
        val (first, second) = bundle.golden.map { it.pixels }
        val once = runner.infer(first)
        runner.infer(second)
        assertContentEquals(once, runner.infer(first))
    }

    companion object {
        /** Both run the same kernels of the same version on one thread, so the logits are equal to the last bit. */
        const val BOUND = 0.0

        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun names(): List<String> = TestBundles.names
    }
}
