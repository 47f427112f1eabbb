package dev.levitmobile.screen

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

class ScreenStateTest {
    private val failed = ScreenState.Failed(FailureReason(FailureReason.Code.NO_BUNDLE))
    private val states: Map<String, ScreenState<Int>> =
        mapOf(
            "loading" to ScreenState.Loading,
            "ready" to ScreenState.Ready,
            "running" to ScreenState.Running(1, 5),
            "result" to ScreenState.Result(7),
            "failed" to failed,
        )
    private val events: Map<String, ScreenEvent<Int>> =
        mapOf(
            "loaded" to ScreenEvent.Loaded,
            "started" to ScreenEvent.Started,
            "progressed" to ScreenEvent.Progressed(2, 5),
            "succeeded" to ScreenEvent.Succeeded(8),
            "broke" to ScreenEvent.Broke(FailureReason(FailureReason.Code.DISK_FULL, "levit")),
            "cancelled" to ScreenEvent.Cancelled,
            "reloaded" to ScreenEvent.Reloaded,
        )

    /** State, then what each event makes of it; a dot means that nothing changes. */
    private val table =
        """
        .        loaded started    progressed   succeeded broke     cancelled reloaded
        loading  ready  .          .            .         disk-full .         .
        ready    .      running    .            .         disk-full .         loading
        running  .      .          running-2-5  result-8  disk-full ready     loading
        result   .      running    .            .         disk-full .         loading
        failed   .      .          .            .         disk-full .         loading
        """.trimIndent().lines().map {
            it.split(Regex(" +"))
        }

    @Test
    fun `every event does in every state what the table states`() {
        assertEquals(states.keys.toList(), table.drop(1).map { it[0] })
        for (row in table.drop(1)) {
            val state = states.getValue(row[0])
            for ((event, expected) in table[0].zip(row).drop(1)) {
                val found = state.after(events.getValue(event))
                assertEquals(if (expected == ".") name(state) else expected, name(found), "${row[0]}, $event")
            }
        }
    }

    @Test
    fun `a failure keeps its detail`() {
        val found = ScreenState.Loading.after(events.getValue("broke"))
        assertEquals(ScreenState.Failed(FailureReason(FailureReason.Code.DISK_FULL, "levit")), found)
    }

    private fun name(state: ScreenState<Int>): String =
        when (state) {
            ScreenState.Loading -> "loading"
            ScreenState.Ready -> "ready"
            is ScreenState.Running -> if (state.total == 0) "running" else "running-${state.done}-${state.total}"
            is ScreenState.Result -> "result-${state.value}"
            is ScreenState.Failed ->
                state.reason.code.name
                    .lowercase()
                    .replace('_', '-')
        }
}
