package dev.levitmobile.consumer

import android.app.Activity
import android.net.Uri
import android.os.Bundle
import android.widget.TextView
import dev.levitmobile.LevitClassifier
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

/** Shows what a shared picture is. This is all the code that an app needs around the library. */
class MainActivity : Activity() {
    private val scope = MainScope()

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val words = TextView(this)
        words.setText(R.string.share_a_picture)
        setContentView(words)
        val picture = intent.clipData?.getItemAt(0)?.uri ?: return
        scope.launch { words.text = described(picture) }
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    private suspend fun described(picture: Uri): String =
        try {
            LevitClassifier.open(this, getString(R.string.bundle)).use { classifier ->
                getString(
                    R.string.result,
                    classifier
                        .classify(this, picture)
                        .classes
                        .first()
                        .label,
                )
            }
        } catch (error: CancellationException) {
            throw error
        } catch (error: Exception) {
            getString(R.string.failed, error.message)
        }
}
