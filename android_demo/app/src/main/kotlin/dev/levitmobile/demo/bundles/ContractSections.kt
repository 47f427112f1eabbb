package dev.levitmobile.demo.bundles

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.text.selection.SelectionContainer
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontFamily
import androidx.compose.ui.unit.dp
import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.Preprocessing
import dev.levitmobile.contract.ResizeMode
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.Section
import dev.levitmobile.demo.ui.Words
import dev.levitmobile.demo.ui.rememberWords
import dev.levitmobile.store.Bundle

/** What the contract states, and the digests of the files. */
@Composable
internal fun ContractSections(
    entry: BundleEntry,
    bundle: Bundle,
) {
    Section(stringResource(R.string.contract_title), Modifier.testTag("contract")) {
        for ((name, value) in modelFacts(bundle.contract) + inputFacts(bundle.contract)) Fact(name, value)
    }
    Section(stringResource(R.string.sizes_title), Modifier.testTag("sizes")) {
        for ((name, value) in sizeFacts(entry, bundle.contract)) Fact(name, value)
    }
    Section(stringResource(R.string.digests_title), Modifier.testTag("digests")) {
        Digest(stringResource(R.string.digest_artifact), bundle.contract.artifact.sha256)
        Digest(stringResource(R.string.digest_contract), bundle.contractSha256)
        Digest(stringResource(R.string.digest_checkpoint), bundle.contract.model.checkpointSha256)
    }
}

@Composable
private fun modelFacts(contract: Contract): List<Pair<String, String>> {
    val words = rememberWords()
    return listOf(
        stringResource(R.string.fact_family) to Words.isolate(contract.model.family),
        stringResource(R.string.fact_variant) to Words.isolate(contract.model.variant),
        stringResource(R.string.fact_recipe) to Words.isolate(contract.recipe),
        stringResource(R.string.fact_arithmetic) to arithmetic(contract),
        stringResource(R.string.fact_classes) to words.count(contract.model.classes.toLong()),
        stringResource(R.string.fact_tolerance) to
            stringResource(
                R.string.tolerance_words,
                words.decibels(contract.tolerance.minSqnrDb),
                words.percent(contract.tolerance.minTop1Agreement),
            ),
    )
}

/** Precision of the recipe, with the types that go in and come out. */
@Composable
private fun arithmetic(contract: Contract): String =
    stringResource(
        R.string.arithmetic_words,
        Words.isolate(contract.recipe.substringAfter('-')),
        Words.isolate(
            contract.input.dtype.name
                .lowercase(),
        ),
        Words.isolate(
            contract.output.dtype.name
                .lowercase(),
        ),
    )

@Composable
private fun inputFacts(contract: Contract): List<Pair<String, String>> {
    val words = rememberWords()
    val input = contract.input
    return listOf(
        stringResource(R.string.fact_input) to
            stringResource(
                R.string.input_words,
                words.sizes(input.shape),
                Words.isolate(input.layout.name),
                Words.isolate("${input.colorOrder}"),
            ),
        stringResource(R.string.fact_resize) to resize(contract.preprocessing),
        stringResource(R.string.fact_crop) to words.sizes(listOf(contract.preprocessing.cropHeight, contract.preprocessing.cropWidth)),
    )
}

@Composable
private fun resize(preprocessing: Preprocessing): String {
    val words = rememberWords()
    val sizes = words.sizes(listOf(preprocessing.height, preprocessing.width))
    val filter = Words.isolate(preprocessing.interpolation.name.lowercase())
    return when (preprocessing.mode) {
        ResizeMode.SHORT_SIDE -> stringResource(R.string.resize_short_side, sizes, filter)
        ResizeMode.SQUASH -> stringResource(R.string.resize_squash, sizes, filter)
        ResizeMode.NONE -> stringResource(R.string.resize_none)
    }
}

@Composable
private fun sizeFacts(
    entry: BundleEntry,
    contract: Contract,
): List<Pair<String, String>> {
    val words = rememberWords()
    return listOf(
        stringResource(R.string.fact_artifact) to words.bytes(contract.artifact.bytes),
        stringResource(R.string.fact_bundle) to words.bytes(entry.bytes),
        stringResource(R.string.fact_parameters) to words.count(contract.model.parameters),
        stringResource(R.string.fact_macs) to words.count(contract.model.macs),
        stringResource(R.string.fact_golden) to words.count(contract.golden.size.toLong()),
    )
}

@Composable
private fun Fact(
    name: String,
    value: String,
) {
    Column(Modifier.fillMaxWidth().semantics(mergeDescendants = true) {}) {
        Text(name, style = MaterialTheme.typography.labelMedium, color = MaterialTheme.colorScheme.onSurfaceVariant)
        Text(value)
    }
}

@Composable
private fun Digest(
    name: String,
    sha256: String,
) {
    Column(Modifier.fillMaxWidth(), verticalArrangement = Arrangement.spacedBy(2.dp)) {
        Text(name, style = MaterialTheme.typography.labelMedium, color = MaterialTheme.colorScheme.onSurfaceVariant)
        SelectionContainer { Text(Words.isolate(sha256), style = MaterialTheme.typography.bodySmall, fontFamily = FontFamily.Monospace) }
    }
}
