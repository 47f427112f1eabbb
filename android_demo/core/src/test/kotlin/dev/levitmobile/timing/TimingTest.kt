package dev.levitmobile.timing

import dev.levitmobile.SchemaClasses
import dev.levitmobile.TestData
import dev.levitmobile.assertSameJson
import dev.levitmobile.contract.FormatException
import dev.levitmobile.int
import dev.levitmobile.long
import dev.levitmobile.text
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertTrue

class TimingTest {
    private val index = TestData.index("timing.json")
    private val plan = TimingPlan(steps = listOf(TimingStep("a"), TimingStep("b", Accelerator.GPU)), rounds = 3, warmupRounds = 2)

    @TestFactory
    fun `an accepted record survives reading and writing`(): List<DynamicTest> =
        index.getValue("accepted").jsonArray.map { it.jsonObject }.map { entry ->
            dynamicTest(entry.text("name")) {
                val record = TimingRecord.read(TestData.text(entry.text("file")))
                assertEquals(record, TimingRecord.read(record.write()))
                val equals = entry.getValue("equals").jsonPrimitive.contentOrNull ?: return@dynamicTest
                assertSameJson(TestData.index(equals), Json.parseToJsonElement(record.write()))
            }
        }

    @Test
    fun `the complete record is written as it was, with every field`() {
        val record = TimingRecord.read(TestData.text("timing/complete.json"))
        assertSameJson(TestData.index("timing/complete.json"), Json.parseToJsonElement(record.write()))
    }

    @TestFactory
    fun `a damaged record is refused`(): List<DynamicTest> =
        index.getValue("refused").jsonArray.map { it.jsonObject }.map { entry ->
            dynamicTest("${entry.text("name")}: ${entry.text("why")}") {
                assertFailsWith<FormatException> { TimingRecord.read(entry.getValue("content").toString()) }
            }
        }

    @Test
    fun `the classes have the schema's fields, and the same of them are optional`() {
        SchemaClasses.check(TimingRecord.serializer().descriptor, TestData.schema("timing"))
    }

    @TestFactory
    fun `orders are drawn as in the other languages`(): List<DynamicTest> =
        TestData.entries("order.json").map { vector ->
            dynamicTest("seed ${vector.long("seed")}") {
                val drawn = DrawnOrder(vector.long("seed"))
                val rounds = vector.getValue("rounds").jsonArray.map { round -> round.jsonArray.map { it.jsonPrimitive.int } }
                assertEquals(rounds, rounds.map { drawn.next(vector.int("count")).toList() })
            }
        }

    @Test
    fun `a plan survives JSON and is strict`() {
        assertEquals(plan, TimingPlan.read(plan.write()))
        assertEquals(plan, TimingPlan.read(plan.writeLine()))
        assertEquals(1, plan.writeLine().lines().size)
        assertEquals(50, TimingPlan.read("""{"schema_version": 1, "steps": [{"bundle": "x"}]}""").rounds)
        val refused =
            listOf(
                """{"schema_version": 2, "steps": [{"bundle": "x"}]}""",
                """{"steps": [{"bundle": "x"}]}""",
                """{"schema_version": 1, "steps": []}""",
                """{"schema_version": 1, "steps": [{"bundle": "x"}, {"bundle": "x"}]}""",
                """{"schema_version": 1, "steps": [{"bundle": "x", "accelerator": "nnapi"}]}""",
                """{"schema_version": 1, "steps": [{"bundle": "x", "threads": 0}]}""",
                """{"schema_version": 1, "steps": [{"bundle": "x"}], "rounds": 0}""",
                """{"schema_version": 1, "steps": [{"bundle": "x"}], "speed": 1}""",
            )
        for (text in refused) assertFailsWith<FormatException>(text) { TimingPlan.read(text) }
    }

    @Test
    fun `every round has each step once, and the orders differ`() {
        val orders = plan.copy(rounds = 40).orders()
        assertEquals(42, orders.size)
        orders.forEach { assertEquals(listOf(0, 1), it.sorted()) }
        assertEquals(2, orders.map { it.toList() }.toSet().size)
    }

    @Test
    fun `a hot device waits and then gives up`() {
        val gate = CoolDown(pollMs = 10, longestMs = 25)
        assertEquals(CoolDown.Decision.GoOn, gate.decide(null, null, 0))
        assertEquals(CoolDown.Decision.GoOn, gate.decide(Thermal.LIGHT, Double.NaN, 0))
        assertEquals(CoolDown.Decision.Wait(10), gate.decide(Thermal.MODERATE, null, 0))
        assertEquals(CoolDown.Decision.Wait(5), gate.decide(Thermal.NONE, 0.9, 20))
        assertIs<CoolDown.Decision.GiveUp>(gate.decide(Thermal.SEVERE, 1.2, 25))
        assertFailsWith<IllegalArgumentException> { CoolDown(warmest = Thermal.NOMINAL) }
        assertEquals(listOf(Thermal.NONE, Thermal.SHUTDOWN, null), listOf(0, 6, 7).map(Thermal::ofAndroid))
    }

    @Test
    fun `a benchmark keeps the rounds after the warm-up, in turn`() {
        var now = 0L
        val calls = mutableListOf<Int>()
        val benchmark = Benchmark({ now }, { error("it is cool") }, { null to null })
        val seen = mutableListOf<BenchmarkProgress>()
        val timed =
            listOf(0, 1).map { step ->
                {
                    calls += step
                    now += (step + 1) * 1_000_000L
                }
            }
        val result = runBlocking { benchmark.run(plan, timed, seen::add) }
        assertEquals(listOf(listOf(1.0, 1.0, 1.0), listOf(2.0, 2.0, 2.0)), result.samplesMs)
        assertEquals(null, result.stopped)
        assertEquals(plan.orders().flatMap { it.toList() }, calls)
        assertEquals((1..5).map { BenchmarkProgress(it, 5) }, seen)
    }

    @Test
    fun `a benchmark waits for a hot device and keeps what it has when it gives up`() {
        var looks = 0
        val waits = mutableListOf<Long>()
        val heat = { (if (looks++ in 1..2 || looks > 6) Thermal.SEVERE else Thermal.NONE) to null }
        val benchmark = Benchmark(pause = { waits += it }, heat = heat)
        val hot = plan.copy(coolDown = CoolDown(pollMs = 10, longestMs = 30), warmupRounds = 0, rounds = 9)
        val result = runBlocking { benchmark.run(hot, listOf({}, {})) }
        assertEquals(listOf(10L, 10L, 10L, 10L, 10L), waits)
        assertEquals(listOf(4, 4), result.samplesMs.map { it.size })
        assertTrue(result.stopped.orEmpty().contains("too hot"))
    }

    @Test
    fun `a benchmark stops between two inferences when it is cancelled`() {
        var calls = 0
        val benchmark = Benchmark(pause = {}, heat = { null to null })
        runBlocking {
            lateinit var job: Job
            val call = {
                calls++
                job.cancel()
            }
            job = launch { benchmark.run(plan, listOf(call, call)) }
            job.join()
            assertTrue(job.isCancelled)
        }
        assertEquals(1, calls)
    }
}
