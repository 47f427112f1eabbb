package dev.levitmobile.demo

import android.os.Build
import androidx.test.core.app.ActivityScenario
import androidx.test.ext.junit.runners.AndroidJUnit4
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

@RunWith(AndroidJUnit4::class)
class LaunchTest {
    @Test
    @Config(sdk = [26, 36, 37])
    fun theActivityStartsOnTheOldestAndTheNewestPlatform() {
        ActivityScenario.launch(MainActivity::class.java).use { scenario ->
            scenario.onActivity { activity ->
                assertEquals("LeViT", activity.getString(R.string.app_name))
                assertTrue(activity.window.decorView.width > 0)
            }
        }
        assertTrue(Build.VERSION.SDK_INT in setOf(26, 36, 37))
    }
}
