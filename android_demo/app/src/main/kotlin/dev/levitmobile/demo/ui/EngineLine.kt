package dev.levitmobile.demo.ui

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.levitmobile.demo.R
import dev.levitmobile.demo.classify.Choice

/** Which bundle runs where; a press opens the bundles. */
@Composable
fun EngineLine(
    choice: Choice,
    onBundles: () -> Unit,
    modifier: Modifier = Modifier,
) {
    val words = rememberWords()
    Surface(
        modifier.testTag("engine"),
        shape = MaterialTheme.shapes.medium,
        color = MaterialTheme.colorScheme.secondaryContainer,
        contentColor = MaterialTheme.colorScheme.onSecondaryContainer,
    ) {
        Row(
            Modifier
                .clickable(onClickLabel = stringResource(R.string.choose_bundle), role = Role.Button, onClick = onBundles)
                .heightIn(min = 48.dp)
                .fillMaxWidth()
                .padding(horizontal = 14.dp, vertical = 8.dp),
            horizontalArrangement = Arrangement.spacedBy(12.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            Icon(painterResource(R.drawable.ic_bundles), contentDescription = null, Modifier.size(20.dp))
            Column(Modifier.weight(1f)) {
                Text(Words.name(choice.bundle.orEmpty()), style = MaterialTheme.typography.labelLarge)
                Text(words.engine(choice.accelerator, choice.threads), style = MaterialTheme.typography.bodySmall)
            }
            Icon(painterResource(R.drawable.ic_next), contentDescription = null, Modifier.size(20.dp))
        }
    }
}

/**
 * A number with its name below it.
 *
 * @property name What the number is.
 * @property value The number with its unit.
 */
class Figure(
    val name: String,
    val value: String,
)

/** Numbers side by side, in as many lines as they need. */
@OptIn(ExperimentalLayoutApi::class)
@Composable
fun Figures(
    figures: List<Figure>,
    modifier: Modifier = Modifier,
) {
    FlowRow(
        modifier.fillMaxWidth(),
        horizontalArrangement = Arrangement.spacedBy(16.dp),
        verticalArrangement = Arrangement.spacedBy(12.dp),
    ) {
        for (figure in figures) FigureBlock(figure)
    }
}

@Composable
private fun FigureBlock(figure: Figure) {
    Column(Modifier.widthIn(min = 88.dp).semantics(mergeDescendants = true) {}) {
        Text(figure.value, style = MaterialTheme.typography.titleMedium.tabular)
        Text(figure.name, style = MaterialTheme.typography.bodySmall, color = MaterialTheme.colorScheme.onSurfaceVariant)
    }
}
