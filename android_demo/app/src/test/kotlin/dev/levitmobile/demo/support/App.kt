package dev.levitmobile.demo.support

import android.content.Intent
import android.os.Bundle
import android.os.Parcel
import androidx.activity.ComponentActivity
import androidx.test.core.app.ApplicationProvider
import dev.levitmobile.demo.MainActivity
import org.robolectric.Robolectric
import org.robolectric.android.controller.ActivityController

/** The app in a window. */
class App private constructor(
    private val controller: ActivityController<MainActivity>,
) : AutoCloseable {
    val activity: MainActivity get() = controller.get()

    /** The phone turns or changes its language: the activity is made anew, the view models stay. */
    fun recreate() {
        controller.recreate()
        Frames.pass()
    }

    /** Another app hands something over to the window that is open. */
    fun receive(intent: Intent) {
        controller.newIntent(intent)
        Frames.pass()
    }

    /** Go back. */
    fun back() {
        (activity as ComponentActivity).onBackPressedDispatcher.onBackPressed()
        Frames.pass()
    }

    /** The system ends the process and starts a new one with what a parcel holds: no view model survives that. */
    fun dieAndReturn(): App {
        val saved = Bundle()
        controller
            .saveInstanceState(saved)
            .pause()
            .stop()
            .destroy()
        return App(Robolectric.buildActivity(MainActivity::class.java, activity.intent).setup(throughParcel(saved))).also { Frames.pass() }
    }

    override fun close() {
        controller.pause().stop().destroy()
        Frames.pass(2)
    }

    companion object {
        /** Start the app as the launcher does, or as another app does. */
        fun start(intent: Intent = Intent(ApplicationProvider.getApplicationContext(), MainActivity::class.java)): App =
            App(Robolectric.buildActivity(MainActivity::class.java, intent).setup()).also { Frames.pass() }

        private fun throughParcel(saved: Bundle): Bundle {
            val written = Parcel.obtain()
            written.writeBundle(saved)
            val bytes = written.marshall()
            written.recycle()
            val read = Parcel.obtain()
            read.unmarshall(bytes, 0, bytes.size)
            read.setDataPosition(0)
            return checkNotNull(read.readBundle(MainActivity::class.java.classLoader)).also { read.recycle() }
        }
    }
}
