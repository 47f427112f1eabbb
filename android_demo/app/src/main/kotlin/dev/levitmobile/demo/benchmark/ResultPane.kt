package dev.levitmobile.demo.benchmark

import android.content.ClipData
import android.content.Context
import android.content.Intent
import android.net.Uri
import androidx.activity.compose.BackHandler
import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.result.contract.ActivityResultContracts
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.material3.Button
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.Chips
import dev.levitmobile.demo.ui.Page
import dev.levitmobile.demo.ui.PageTitle
import dev.levitmobile.demo.ui.Quote
import dev.levitmobile.demo.ui.Section
import dev.levitmobile.demo.ui.rememberWords

/** The plot and the table of a finished benchmark. */
@Composable
internal fun ResultPane(
    result: BenchmarkRows,
    wide: Boolean,
    model: BenchmarkViewModel,
) {
    BackHandler(onBack = model::clear)
    Page(Modifier.testTag("state-result"), widest = 1080.dp) {
        PageTitle(stringResource(R.string.benchmark_result), Modifier.semantics { liveRegion = LiveRegionMode.Polite })
        result.incomplete?.let { Incomplete(it) }
        if (result.rows.any { it.inference != null }) {
            Section(stringResource(R.string.plot_title)) { TimePlot(result.rows) }
        }
        Section(stringResource(R.string.table_title)) {
            if (wide) ResultTable(result.rows) else ResultRows(result.rows)
        }
        result.coolingS?.takeIf { it > 0 }?.let { Text(stringResource(R.string.cooled, rememberWords().seconds(it))) }
        RecordButtons(result, model)
    }
}

@Composable
private fun Incomplete(reason: String) {
    Section(stringResource(R.string.benchmark_incomplete)) { Quote(reason) }
}

@Composable
private fun RecordButtons(
    result: BenchmarkRows,
    model: BenchmarkViewModel,
) {
    val context = LocalContext.current
    val launcher = rememberLauncherForActivityResult(ActivityResultContracts.CreateDocument(JSON), model::export)
    val exported by model.exported.collectAsStateWithLifecycle()
    Chips {
        Button(model::clear, Modifier.testTag("benchmark-again")) { Text(stringResource(R.string.benchmark_again)) }
        result.record?.let { record ->
            RecordButton("benchmark-share", R.drawable.ic_share, R.string.share_record) { model.address()?.let { share(context, it) } }
            RecordButton("benchmark-export", R.drawable.ic_save, R.string.save_record) { launcher.launch(record.name) }
        }
    }
    exported?.let { ExportWords(it) }
    if (result.record == null) Text(stringResource(R.string.no_record), color = MaterialTheme.colorScheme.error)
}

@Composable
private fun RecordButton(
    tag: String,
    icon: Int,
    text: Int,
    onClick: () -> Unit,
) {
    OutlinedButton(onClick, Modifier.testTag(tag)) {
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            Icon(painterResource(icon), contentDescription = null, Modifier.size(18.dp))
            Text(stringResource(text))
        }
    }
}

@Composable
private fun ExportWords(export: Export) {
    val failed = export == Export.FAILED
    Text(
        stringResource(if (failed) R.string.save_failed else R.string.saved),
        Modifier.padding(vertical = 4.dp).semantics { liveRegion = LiveRegionMode.Polite },
        color = if (failed) MaterialTheme.colorScheme.error else MaterialTheme.colorScheme.onSurfaceVariant,
    )
}

private fun share(
    context: Context,
    record: Uri,
) {
    val send =
        Intent(Intent.ACTION_SEND)
            .setType(JSON)
            .putExtra(Intent.EXTRA_STREAM, record)
            .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
    send.clipData = ClipData.newRawUri(null, record)
    context.startActivity(Intent.createChooser(send, null))
}

private const val JSON = "application/json"
