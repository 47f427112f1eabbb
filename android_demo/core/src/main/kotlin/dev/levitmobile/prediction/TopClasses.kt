package dev.levitmobile.prediction

import dev.levitmobile.contract.Head
import dev.levitmobile.parity.Metrics
import kotlin.math.exp

/**
 * One class of an image.
 *
 * @property index Place of the class in the labels file.
 * @property label Its label.
 * @property logit Its score before softmax or sigmoid.
 * @property probability 0 to 1; null where the contract names no head.
 */
public data class ClassScore(
    val index: Int,
    val label: String,
    val logit: Float,
    val probability: Double?,
)

/** The best classes of an image. */
public object TopClasses {
    /**
     * The [k] best classes, best first; among equal logits the lower class comes first.
     *
     * @param logits One per class.
     * @param labels One per class, in class order.
     * @param head What makes probabilities of the logits.
     * @throws IllegalArgumentException The numbers of logits and labels differ.
     */
    public fun of(
        logits: FloatArray,
        labels: List<String>,
        head: Head,
        k: Int = 5,
    ): List<ClassScore> {
        require(labels.size == logits.size) { "there are ${labels.size} labels, expected ${logits.size}" }
        val softmax = if (head == Head.SOFTMAX) Metrics.softmax(logits) else null
        return Metrics.topClasses(logits, k).map { place ->
            val probability = softmax?.get(place) ?: if (head == Head.SIGMOID) 1 / (1 + exp(-logits[place].toDouble())) else null
            ClassScore(place, labels[place], logits[place], probability)
        }
    }
}
