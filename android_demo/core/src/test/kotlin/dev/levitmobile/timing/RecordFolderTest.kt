package dev.levitmobile.timing

import dev.levitmobile.TestData
import dev.levitmobile.store.DiskFullException
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class RecordFolderTest {
    @TempDir
    lateinit var root: File

    private val record = TimingRecord.read(TestData.text("timing/complete.json"))

    @Test
    fun `a record is written whole and replaces the one of its name`() {
        val folder = RecordFolder(listOf(File(root, "timings")))
        folder.write("run", record.copy(incomplete = "not yet"))
        val file = folder.write("run", record)
        assertEquals(record, TimingRecord.read(file.readText()))
        assertEquals(listOf("run.json"), file.parentFile?.list()?.toList())
        assertEquals(listOf(file), folder.records())
    }

    @Test
    fun `a folder that cannot be written gives way to the next one`() {
        val blocked = File(root, "file").also { it.writeText("") }
        val folder = RecordFolder(listOf(File(blocked, "timings"), File(root, "inside")))
        assertEquals(File(root, "inside/run.json"), folder.write("run", record))
        assertEquals(File(root, "inside/progress.jsonl"), folder.startLines())
    }

    @Test
    fun `a full storage is told from one that cannot be written`() {
        val blocked = File(root, "file").also { it.writeText("") }
        assertFailsWith<DiskFullException> { RecordFolder(listOf(File(blocked, "a"))) { 0 }.write("run", record) }
        val error = assertFailsWith<IOException> { RecordFolder(listOf(File(blocked, "a"))).write("run", record) }
        assertEquals(false, error is DiskFullException)
    }

    @Test
    fun `a name that leaves the folder is refused`() {
        val folder = RecordFolder(listOf(root))
        for (name in listOf("../run", "", ".run", "a/b", "a b")) {
            assertFailsWith<IllegalArgumentException> { folder.write(name, record) }
        }
    }

    @Test
    fun `lines are appended, and a new run begins an empty file`() {
        val folder = RecordFolder(listOf(root))
        val file = folder.startLines()
        folder.addLine(file, ProgressLine(ProgressLine.Event.STARTED, "run", total = 3))
        folder.addLine(file, ProgressLine(ProgressLine.Event.MOMENT, "run", 1, 3, "a-cpu1", ProcessPhase.TIMING.doing))
        val lines =
            listOf(
                """{"event":"started","run":"run","total":3}""",
                """{"event":"moment","run":"run","done":1,"total":3,"step":"a-cpu1","phase":"running the timed rounds"}""",
            )
        assertEquals(lines, file.readLines())
        assertEquals("", folder.startLines().readText())
    }
}
