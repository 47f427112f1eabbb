package dev.levitmobile.demo

import dev.levitmobile.demo.support.Fingers

/** Qualifiers of the windows that the tests draw. */
internal const val PHONE = "w411dp-h891dp-port-420dpi"
internal const val LYING_PHONE = "w891dp-h411dp-land-420dpi"
internal const val TABLET = "w1280dp-h800dp-land-240dpi"

/** Open a screen by its item of the bar or the rail. */
internal fun open(tab: Tab) = Fingers.touchTagged("tab-${tab.tag}")
