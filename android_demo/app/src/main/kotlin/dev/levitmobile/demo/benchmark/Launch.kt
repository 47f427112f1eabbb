package dev.levitmobile.demo.benchmark

import dev.levitmobile.store.Bundle
import dev.levitmobile.timing.ProcessEnd
import dev.levitmobile.timing.ProcessJob
import dev.levitmobile.timing.ProcessPhase

/** Runs a job in a fresh process: the job, its bundle, and what is called at each phase. */
internal typealias Launch = suspend (ProcessJob, Bundle, (ProcessPhase) -> Unit) -> ProcessEnd
