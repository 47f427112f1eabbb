package dev.levitmobile.demo.ui

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.CollectionInfo
import androidx.compose.ui.semantics.CollectionItemInfo
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.collectionInfo
import androidx.compose.ui.semantics.collectionItemInfo
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.levitmobile.prediction.ClassScore

/** The best classes with bars as long as their probabilities, best first. */
@Composable
fun TopFive(
    classes: List<ClassScore>,
    modifier: Modifier = Modifier,
) {
    Column(
        modifier.testTag("top5").semantics { collectionInfo = CollectionInfo(classes.size, 1) },
        verticalArrangement = Arrangement.spacedBy(10.dp),
    ) {
        classes.forEachIndexed { place, score -> ClassRow(place, score) }
    }
}

@Composable
private fun ClassRow(
    place: Int,
    score: ClassScore,
) {
    val best = place == 0
    Column(
        Modifier.semantics(mergeDescendants = true) { collectionItemInfo = CollectionItemInfo(place, 1, 0, 1) },
        verticalArrangement = Arrangement.spacedBy(4.dp),
    ) {
        Row(verticalAlignment = Alignment.Bottom, horizontalArrangement = Arrangement.spacedBy(12.dp)) {
            ClassLabel(score.label, best, Modifier.weight(1f))
            Text(shareOrLogit(score), style = valueStyle(best).tabular, maxLines = 1)
        }
        score.probability?.let { ShareBar(it, if (best) MaterialTheme.colorScheme.primary else MaterialTheme.colorScheme.outline) }
    }
}

/** Only a new best class is announced: the numbers change with every frame. */
@Composable
private fun ClassLabel(
    label: String,
    best: Boolean,
    modifier: Modifier,
) {
    val announced = if (best) Modifier.semantics { liveRegion = LiveRegionMode.Polite } else Modifier
    Text(
        Words.isolate(label),
        modifier.then(announced),
        style = if (best) MaterialTheme.typography.titleLarge else MaterialTheme.typography.bodyMedium,
    )
}

@Composable
private fun valueStyle(best: Boolean) = if (best) MaterialTheme.typography.titleMedium else MaterialTheme.typography.bodyMedium

@Composable
private fun shareOrLogit(score: ClassScore): String {
    val words = rememberWords()
    return score.probability?.let(words::percent) ?: words.fixed(score.logit.toDouble(), 2)
}

@Composable
private fun ShareBar(
    share: Double,
    color: Color,
) {
    Box(
        Modifier
            .fillMaxWidth()
            .height(6.dp)
            .clip(CircleShape)
            .background(MaterialTheme.colorScheme.surfaceContainerHighest),
    ) {
        Box(Modifier.fillMaxWidth(share.toFloat().coerceIn(0f, 1f)).fillMaxHeight().background(color, CircleShape))
    }
}
