package dev.levitmobile.demo

import androidx.activity.compose.BackHandler
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.WindowInsets
import androidx.compose.foundation.layout.WindowInsetsSides
import androidx.compose.foundation.layout.consumeWindowInsets
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.only
import androidx.compose.foundation.layout.safeDrawing
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.NavigationBar
import androidx.compose.material3.NavigationBarItem
import androidx.compose.material3.NavigationRail
import androidx.compose.material3.NavigationRailItem
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.Density
import androidx.compose.ui.unit.Dp
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import dev.levitmobile.demo.benchmark.BenchmarkScreen
import dev.levitmobile.demo.bundles.BundlesScreen
import dev.levitmobile.demo.camera.CameraScreen
import dev.levitmobile.demo.photo.PhotoScreen
import dev.levitmobile.demo.ui.Quote

/** All screens, with a bar below them on phones and a rail beside them on wider windows. */
@Composable
fun DemoApp(model: DemoViewModel) {
    val tab by model.tab.collectAsStateWithLifecycle()
    BackHandler(enabled = tab != Tab.CAMERA) { model.open(Tab.CAMERA) }
    Surface(color = MaterialTheme.colorScheme.background) {
        BoxWithConstraints(Modifier.fillMaxSize()) {
            if (maxWidth >= RAIL_WIDTH) WithRail(tab, model) else WithBar(tab, model)
        }
    }
    RefusedPlan(model)
}

@Composable
private fun WithRail(
    tab: Tab,
    model: DemoViewModel,
) {
    Row(Modifier.fillMaxSize()) {
        DemoRail(tab, model::open)
        Box(Modifier.weight(1f).consumeWindowInsets(WindowInsets.safeDrawing.only(WindowInsetsSides.Start))) { Screen(tab, model) }
    }
}

@Composable
private fun WithBar(
    tab: Tab,
    model: DemoViewModel,
) {
    Column(Modifier.fillMaxSize()) {
        Box(Modifier.weight(1f).consumeWindowInsets(WindowInsets.safeDrawing.only(WindowInsetsSides.Bottom))) { Screen(tab, model) }
        DemoBar(tab, model::open)
    }
}

@Composable
private fun Screen(
    tab: Tab,
    model: DemoViewModel,
) {
    BoxWithConstraints(Modifier.fillMaxSize().testTag(tab.tag)) {
        val wide = isWide(maxWidth, maxHeight)
        when (tab) {
            Tab.CAMERA -> CameraScreen(wide, onBundles = { model.open(Tab.BUNDLES) })
            Tab.PHOTO -> PhotoScreen(wide, model, onBundles = { model.open(Tab.BUNDLES) })
            Tab.BENCHMARK -> BenchmarkScreen(wide)
            Tab.BUNDLES -> BundlesScreen(wide)
        }
    }
}

/** Whether two panes beside each other show more than two above each other. */
internal fun isWide(
    width: Dp,
    height: Dp,
): Boolean = width >= TWO_PANES_WIDTH || (width >= RAIL_WIDTH && width > height)

@Composable
private fun DemoBar(
    tab: Tab,
    onOpen: (Tab) -> Unit,
) {
    BoundedText {
        NavigationBar(containerColor = MaterialTheme.colorScheme.surfaceContainer) {
            for (item in Tab.entries) {
                NavigationBarItem(
                    selected = item == tab,
                    onClick = { onOpen(item) },
                    icon = { Icon(painterResource(item.icon), contentDescription = null) },
                    label = { Text(stringResource(item.title), maxLines = 1) },
                    modifier = Modifier.testTag("tab-${item.tag}"),
                )
            }
        }
    }
}

@Composable
private fun DemoRail(
    tab: Tab,
    onOpen: (Tab) -> Unit,
) {
    BoundedText {
        NavigationRail(containerColor = MaterialTheme.colorScheme.surfaceContainer) {
            Column(Modifier.weight(1f).verticalScroll(rememberScrollState())) {
                for (item in Tab.entries) {
                    NavigationRailItem(
                        selected = item == tab,
                        onClick = { onOpen(item) },
                        icon = { Icon(painterResource(item.icon), contentDescription = null) },
                        label = { Text(stringResource(item.title), maxLines = 1) },
                        modifier = Modifier.testTag("tab-${item.tag}"),
                    )
                }
            }
        }
    }
}

@Composable
private fun RefusedPlan(model: DemoViewModel) {
    val reason by model.refusedPlan.collectAsStateWithLifecycle()
    val shown = reason ?: return
    AlertDialog(
        onDismissRequest = model::read,
        confirmButton = { TextButton(model::read) { Text(stringResource(R.string.close)) } },
        title = { Text(stringResource(R.string.refused_plan)) },
        text = { Quote(shown) },
        modifier = Modifier.testTag("refused-plan"),
    )
}

/** Four labels side by side have no room for text of twice the size. */
@Composable
private fun BoundedText(content: @Composable () -> Unit) {
    val density = LocalDensity.current
    val bounded = Density(density.density, density.fontScale.coerceAtMost(LARGEST_LABEL))
    CompositionLocalProvider(LocalDensity provides bounded, content)
}

private const val LARGEST_LABEL = 1.3f
private val RAIL_WIDTH = 600.dp
private val TWO_PANES_WIDTH = 840.dp
