package dev.levitmobile.demo

import android.app.Application
import android.content.pm.ApplicationInfo

/** The app. */
class DemoApplication :
    Application(),
    GraphOwner {
    /** Made on first use: the processes of the benchmark have no screens. */
    override val graph: DemoGraph by lazy { DeviceGraph(this) }

    override fun onCreate() {
        super.onCreate()
        if (applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE != 0) guardMainThread()
    }
}
