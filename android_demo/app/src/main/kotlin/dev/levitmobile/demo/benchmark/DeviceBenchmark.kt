package dev.levitmobile.demo.benchmark

import android.content.Context
import android.util.Log
import dev.levitmobile.contract.Runtime
import dev.levitmobile.demo.classify.failureReason
import dev.levitmobile.device.AndroidDevice
import dev.levitmobile.runner.Runners
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.store.Bundle
import dev.levitmobile.timing.ArtifactFacts
import dev.levitmobile.timing.ProcessPhase
import dev.levitmobile.timing.ProgressLine
import dev.levitmobile.timing.ProgressLine.Event
import dev.levitmobile.timing.RecordFolder
import dev.levitmobile.timing.RecordMaker
import dev.levitmobile.timing.SessionMoment
import dev.levitmobile.timing.SessionState
import dev.levitmobile.timing.TimingPlan
import dev.levitmobile.timing.TimingRecord
import dev.levitmobile.timing.TimingSession
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import java.io.File
import java.time.Instant
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter
import java.time.temporal.ChronoUnit

/** The device's benchmark. */
internal fun deviceBenchmark(context: Context): BenchmarkController {
    val application = context.applicationContext
    // Made in the first run, off the main thread: they look for their folders.
    val launcher by lazy { ProcessLauncher(application, File(application.noBackupFilesDir, "benchmark")) }
    val bundles by lazy { PlanBundles(application) }
    return DeviceBenchmark(
        device = { AndroidDevice(application) },
        bundles = BundleAccess({ bundles.open(it) }, { bundles.removeCopies() }),
        launch = { job, bundle, phase -> launcher.launch(job, bundle.folder, phase) },
        records = { RecordFolder(listOfNotNull(application.getExternalFilesDir("timings"), File(application.filesDir, "timings"))) },
    )
}

/** How a benchmark gets its bundles, and that it needs them no more. */
internal class BundleAccess(
    val open: (String) -> Bundle,
    val release: () -> Unit = {},
)

/** Runs one plan at a time in [scope], and writes its record after each process. */
internal class DeviceBenchmark(
    device: () -> AndroidDevice,
    private val bundles: BundleAccess,
    private val launch: Launch,
    records: () -> RecordFolder,
    private val scope: CoroutineScope = CoroutineScope(SupervisorJob() + Dispatchers.IO),
    private val pause: suspend (Long) -> Unit = { delay(it) },
    private val now: () -> Instant = Instant::now,
) : BenchmarkController {
    override val progress = MutableStateFlow<ScreenState<BenchmarkRows>>(ScreenState.Ready)
    override val moment = MutableStateFlow(BenchmarkMoment())
    private val device by lazy(device)
    private val records by lazy(records)
    private var running: Job? = null

    @Synchronized
    override fun start(
        plan: TimingPlan,
        record: String?,
    ) {
        if (running?.isActive == true) return
        val name = record ?: STAMP.format(now().atOffset(ZoneOffset.UTC))
        moment.value = BenchmarkMoment()
        progress.value = ScreenState.Running(0, plan.jobs().sumOf { it.rounds })
        running = scope.launch { run(plan, name) }
    }

    @Synchronized
    override fun cancel() {
        running?.cancel()
    }

    @Synchronized
    override fun clear() {
        if (running?.isActive != true) progress.value = ScreenState.Ready
    }

    private suspend fun run(
        plan: TimingPlan,
        name: String,
    ) {
        var watcher: Watcher? = null
        progress.value =
            try {
                val lines = Watcher(name, records, records.startLines()).also { watcher = it }
                lines.tell(Event.STARTED, total = plan.jobs().sumOf { it.rounds })
                Run(plan, name, lines).finished()
            } catch (cancelled: CancellationException) {
                watcher?.tell(Event.CANCELLED)
                progress.value = ScreenState.Ready
                throw cancelled
            } catch (error: Exception) {
                watcher?.tell(Event.FAILED, reason = error.message ?: error.javaClass.simpleName)
                ScreenState.Failed(failure(error))
            } finally {
                bundles.release()
            }
    }

    private fun failure(error: Exception): FailureReason =
        if (error is NoSuchElementException) FailureReason(FailureReason.Code.NO_BUNDLE, error.message.orEmpty()) else failureReason(error)

    /** One run of a plan. */
    private inner class Run(
        private val plan: TimingPlan,
        private val name: String,
        private val lines: Watcher,
    ) {
        private val opened =
            plan.steps
                .map { it.bundle }
                .distinct()
                .associateWith(bundles.open)
        private val maker =
            RecordMaker(
                plan = plan,
                app = device.app(),
                device = device.device(),
                startedAt = now().truncatedTo(ChronoUnit.MILLIS).toString(),
                facts = opened.mapValues { ArtifactFacts(it.value, Runners.versions) },
                command = "am start -n ${device.app().name}/dev.levitmobile.demo.MainActivity --es plan '${plan.writeLine()}'",
                versions =
                    mapOf(device.app().name to device.app().version) +
                        Runtime.entries.associate { it.title to Runners.versions.getValue(it) },
            )
        private var last: Pair<TimingRecord, File>? = null

        suspend fun finished(): ScreenState<BenchmarkRows> {
            val session =
                TimingSession(
                    launch = { job, phase -> launch(job, opened.getValue(job.step.bundle), phase) },
                    conditions = device::conditions,
                    heat = device::heat,
                    pause = pause,
                    save = ::save,
                    listen = ::listen,
                )
            session.run(plan)
            val (record, file) = checkNotNull(last)
            lines.tell(Event.FINISHED, record = file, reason = record.incomplete)
            return ScreenState.Result(BenchmarkRows.of(record, file))
        }

        private fun save(state: SessionState) {
            val record = maker.record(state)
            val file = records.write(name, record)
            last = record to file
            lines.tell(Event.MEASURED, record = file)
            val done = record.timings.filter { one -> state.ends.keys.any { it.name == one.name } }
            moment.update { it.copy(finished = done.map(BenchmarkRow::of)) }
        }

        private fun listen(now: SessionMoment) {
            progress.value = ScreenState.Running(now.doneRounds, now.totalRounds)
            moment.update { it.copy(phase = phase(now), step = now.job.step, coolingMs = now.coolingMs ?: 0, thermal = now.thermal) }
            lines.tell(now)
        }
    }

    private companion object {
        val STAMP: DateTimeFormatter = DateTimeFormatter.ofPattern("'run-'yyyyMMdd-HHmmss", java.util.Locale.ROOT)

        fun phase(now: SessionMoment): BenchmarkPhase =
            when {
                now.coolingMs != null -> BenchmarkPhase.COOLING
                else -> PHASES.getValue(now.phase)
            }

        val PHASES =
            mapOf(
                ProcessPhase.STARTING to BenchmarkPhase.STARTING,
                ProcessPhase.LOADING to BenchmarkPhase.LOADING,
                ProcessPhase.CHECKING to BenchmarkPhase.CHECKING,
                ProcessPhase.WARMING_UP to BenchmarkPhase.WARMING_UP,
                ProcessPhase.TIMING to BenchmarkPhase.TIMING,
            )
    }
}

/** Tells a computer how far a run is: lines in the log, and in a file beside the record. */
private class Watcher(
    private val run: String,
    private val records: RecordFolder,
    private val file: File,
) {
    private var done = 0
    private var total = 0

    fun tell(
        event: Event,
        total: Int = this.total,
        record: File? = null,
        reason: String? = null,
    ) {
        this.total = total
        add(ProgressLine(event, run, done, total, record = record?.path, reason = reason))
    }

    fun tell(moment: SessionMoment) {
        done = moment.doneRounds
        add(ProgressLine(Event.MOMENT, run, done, total, moment.job.step.name, moment.phase.doing, moment.coolingMs))
    }

    private fun add(line: ProgressLine) {
        records.addLine(file, line)
        Log.i(TAG, line.write())
    }

    private companion object {
        const val TAG = "levit-mobile"
    }
}
