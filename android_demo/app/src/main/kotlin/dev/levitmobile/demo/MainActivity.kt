package dev.levitmobile.demo

import android.content.ContentResolver
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.viewModels
import androidx.core.content.IntentCompat
import androidx.lifecycle.ViewModelProvider
import dev.levitmobile.demo.ui.DemoTheme
import java.io.File

/** The app's one window. It also takes pictures that other apps share, and timing plans. */
class MainActivity : ComponentActivity() {
    private val graph: DemoGraph get() = (application as GraphOwner).graph
    private val model: DemoViewModel by viewModels { graph.viewModels() }

    override val defaultViewModelProviderFactory: ViewModelProvider.Factory get() = graph.viewModels()

    override fun onCreate(savedInstanceState: Bundle?) {
        enableEdgeToEdge()
        super.onCreate(savedInstanceState)
        // A recreated activity keeps its intent, which was handled when it came.
        if (savedInstanceState == null) receive(intent)
        setContent { DemoTheme { DemoApp(model) } }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        setIntent(intent)
        receive(intent)
    }

    private fun receive(intent: Intent) {
        sharedPicture(intent)?.let(model::share)
        val record = intent.getStringExtra(RECORD)
        intent.getStringExtra(PLAN)?.let { model.benchmark(it, record) }
        intent.getStringExtra(PLAN_FILE)?.let { model.benchmark(File(getExternalFilesDir(null), File(it).name), record) }
    }

    companion object {
        /** Extra of an intent: a timing plan as JSON. */
        const val PLAN: String = "plan"

        /** Extra of an intent: a file with a plan, for one that is too long for a shell; only its name counts. */
        const val PLAN_FILE: String = "plan-file"

        /** Extra of an intent: name of the record's file without `.json`. */
        const val RECORD: String = "record"
    }
}

/** The picture of a share; only other apps' content, so that nobody makes the app open its own files. */
private fun sharedPicture(intent: Intent): Uri? {
    if (intent.action != Intent.ACTION_SEND || intent.type?.startsWith("image/") != true) return null
    val picture = IntentCompat.getParcelableExtra(intent, Intent.EXTRA_STREAM, Uri::class.java)
    return picture?.takeIf { it.scheme == ContentResolver.SCHEME_CONTENT }
}
