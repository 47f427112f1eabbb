package dev.levitmobile.demo.ui

import androidx.annotation.DrawableRes
import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.foundation.text.selection.SelectionContainer
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.CircularProgressIndicator
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp

/**
 * A state in words, in the middle of the screen.
 *
 * @param name Name of the state; the test tag is `state-` and the name.
 * @param icon Drawn above the title.
 * @param detail What the machine reported, quoted below the text; empty for nothing.
 * @param alarming Whether the state is a failure.
 * @param actions Buttons below the text.
 */
@Composable
fun StatePanel(
    name: String,
    @DrawableRes icon: Int,
    title: String,
    text: String,
    modifier: Modifier = Modifier,
    detail: String = "",
    alarming: Boolean = false,
    actions: @Composable ColumnScope.() -> Unit = {},
) {
    CentredColumn(modifier.testTag("state-$name")) {
        PanelIcon(icon, alarming)
        Spacer(Modifier.height(20.dp))
        PanelWords(title, text)
        if (detail.isNotEmpty()) Quote(detail, Modifier.padding(top = 16.dp))
        Spacer(Modifier.height(24.dp))
        actions()
    }
}

/** A state that ends by itself. */
@Composable
fun LoadingPanel(
    text: String,
    modifier: Modifier = Modifier,
    name: String = "loading",
) {
    CentredColumn(modifier.testTag("state-$name")) {
        CircularProgressIndicator()
        Spacer(Modifier.height(20.dp))
        Text(
            text,
            Modifier.semantics { liveRegion = LiveRegionMode.Polite },
            color = MaterialTheme.colorScheme.onSurfaceVariant,
            textAlign = TextAlign.Center,
        )
    }
}

/** A state that ends by itself, where there is other content too. */
@Composable
fun LoadingLine(
    text: String,
    modifier: Modifier = Modifier,
    name: String = "loading",
) {
    Row(
        modifier.testTag("state-$name").padding(20.dp),
        horizontalArrangement = Arrangement.spacedBy(16.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        CircularProgressIndicator(Modifier.size(28.dp), strokeWidth = 3.dp)
        Text(text, Modifier.semantics { liveRegion = LiveRegionMode.Polite })
    }
}

/** What the machine reported, in its own words and in their direction. */
@Composable
fun Quote(
    text: String,
    modifier: Modifier = Modifier,
) {
    SelectionContainer(modifier) {
        Text(
            Words.isolate(text),
            Modifier
                .background(MaterialTheme.colorScheme.surfaceContainerHigh, MaterialTheme.shapes.small)
                .padding(horizontal = 12.dp, vertical = 8.dp),
            color = MaterialTheme.colorScheme.onSurfaceVariant,
            style = MaterialTheme.typography.bodySmall,
        )
    }
}

/** The one thing to do in a state. */
@Composable
fun PanelButton(
    text: String,
    onClick: () -> Unit,
    modifier: Modifier = Modifier,
) {
    Button(onClick, modifier) { Text(text, textAlign = TextAlign.Center) }
}

/** A failure with its words, and a button where something can be done. */
@Composable
fun FailurePanel(
    failure: FailureWords,
    onAction: () -> Unit,
    modifier: Modifier = Modifier,
) {
    StatePanel("failed", failure.icon, failure.title, failure.text, modifier, failure.detail, alarming = failure.alarming) {
        failure.action?.let { PanelButton(stringResource(it), onAction, Modifier.testTag("failed-action")) }
    }
}

@Composable
private fun CentredColumn(
    modifier: Modifier,
    content: @Composable ColumnScope.() -> Unit,
) {
    Box(modifier.fillMaxSize(), contentAlignment = Alignment.Center) {
        Column(
            Modifier.verticalScroll(rememberScrollState()).widthIn(max = 480.dp).padding(24.dp),
            horizontalAlignment = Alignment.CenterHorizontally,
            verticalArrangement = Arrangement.Center,
            content = content,
        )
    }
}

@Composable
private fun PanelIcon(
    @DrawableRes icon: Int,
    alarming: Boolean,
) {
    val colors = MaterialTheme.colorScheme
    val back: Color = if (alarming) colors.errorContainer else colors.primaryContainer
    val front: Color = if (alarming) colors.onErrorContainer else colors.onPrimaryContainer
    Box(Modifier.size(88.dp).background(back, CircleShape), contentAlignment = Alignment.Center) {
        Icon(painterResource(icon), contentDescription = null, Modifier.size(40.dp), tint = front)
    }
}

@Composable
private fun PanelWords(
    title: String,
    text: String,
) {
    Column(
        Modifier.semantics { liveRegion = LiveRegionMode.Polite },
        horizontalAlignment = Alignment.CenterHorizontally,
        verticalArrangement = Arrangement.spacedBy(8.dp),
    ) {
        Text(
            title,
            Modifier.semantics { heading() },
            style = MaterialTheme.typography.headlineSmall,
            textAlign = TextAlign.Center,
        )
        Text(
            text,
            color = MaterialTheme.colorScheme.onSurfaceVariant,
            textAlign = TextAlign.Center,
        )
    }
}
