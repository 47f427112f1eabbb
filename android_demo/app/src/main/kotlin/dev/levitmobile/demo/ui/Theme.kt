package dev.levitmobile.demo.ui

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Shapes
import androidx.compose.material3.Typography
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.dp

/** The app's colours, light or dark. The wallpaper's colours are not used, so that pictures of the app look the same. */
@Composable
fun DemoTheme(
    dark: Boolean = isSystemInDarkTheme(),
    content: @Composable () -> Unit,
) {
    MaterialTheme(if (dark) DARK else LIGHT, shapes = SHAPES, typography = TYPOGRAPHY, content = content)
}

/** Digits of one width, so that changing numbers do not move. */
val TextStyle.tabular: TextStyle get() = copy(fontFeatureSettings = "tnum")

private val SHAPES =
    Shapes(
        small = RoundedCornerShape(10.dp),
        medium = RoundedCornerShape(16.dp),
        large = RoundedCornerShape(24.dp),
    )

private val TYPOGRAPHY =
    Typography().run {
        copy(
            headlineSmall = headlineSmall.copy(fontWeight = FontWeight.SemiBold),
            titleLarge = titleLarge.copy(fontWeight = FontWeight.SemiBold),
            titleMedium = titleMedium.copy(fontWeight = FontWeight.SemiBold),
        )
    }

private val LIGHT =
    lightColorScheme(
        primary = Color(0xFF0F5C55),
        onPrimary = Color(0xFFFFFFFF),
        primaryContainer = Color(0xFFCBE7E2),
        onPrimaryContainer = Color(0xFF00201D),
        inversePrimary = Color(0xFF86D3C8),
        secondary = Color(0xFF4A635F),
        onSecondary = Color(0xFFFFFFFF),
        secondaryContainer = Color(0xFFD9E7E3),
        onSecondaryContainer = Color(0xFF06201C),
        tertiary = Color(0xFF7A5000),
        onTertiary = Color(0xFFFFFFFF),
        tertiaryContainer = Color(0xFFFCE3B6),
        onTertiaryContainer = Color(0xFF2B1A00),
        error = Color(0xFFB3261E),
        onError = Color(0xFFFFFFFF),
        errorContainer = Color(0xFFF9DEDA),
        onErrorContainer = Color(0xFF410E0B),
        background = Color(0xFFF8F9F7),
        onBackground = Color(0xFF191C1B),
        surface = Color(0xFFF8F9F7),
        onSurface = Color(0xFF191C1B),
        surfaceVariant = Color(0xFFDFE4E1),
        onSurfaceVariant = Color(0xFF434947),
        surfaceTint = Color(0xFF0F5C55),
        inverseSurface = Color(0xFF2E3130),
        inverseOnSurface = Color(0xFFEFF1EF),
        outline = Color(0xFF6F7674),
        outlineVariant = Color(0xFFCBD1CE),
        surfaceBright = Color(0xFFF8F9F7),
        surfaceDim = Color(0xFFD8DBD9),
        surfaceContainerLowest = Color(0xFFFFFFFF),
        surfaceContainerLow = Color(0xFFF2F4F2),
        surfaceContainer = Color(0xFFECEFEC),
        surfaceContainerHigh = Color(0xFFE6EAE7),
        surfaceContainerHighest = Color(0xFFE0E4E1),
    )

private val DARK =
    darkColorScheme(
        primary = Color(0xFF86D3C8),
        onPrimary = Color(0xFF003732),
        primaryContainer = Color(0xFF14504A),
        onPrimaryContainer = Color(0xFFC3EEE7),
        inversePrimary = Color(0xFF0F5C55),
        secondary = Color(0xFFB3CBC6),
        onSecondary = Color(0xFF1E3531),
        secondaryContainer = Color(0xFF2E3F3B),
        onSecondaryContainer = Color(0xFFD5E7E2),
        tertiary = Color(0xFFEFBD6B),
        onTertiary = Color(0xFF432C00),
        tertiaryContainer = Color(0xFF5A3F0C),
        onTertiaryContainer = Color(0xFFFFDFAC),
        error = Color(0xFFFFB4AB),
        onError = Color(0xFF690005),
        errorContainer = Color(0xFF5F1B17),
        onErrorContainer = Color(0xFFFFDAD5),
        background = Color(0xFF101413),
        onBackground = Color(0xFFE0E4E1),
        surface = Color(0xFF101413),
        onSurface = Color(0xFFE0E4E1),
        surfaceVariant = Color(0xFF3C4442),
        onSurfaceVariant = Color(0xFFBEC7C4),
        surfaceTint = Color(0xFF86D3C8),
        inverseSurface = Color(0xFFE0E4E1),
        inverseOnSurface = Color(0xFF2C3130),
        outline = Color(0xFF89938F),
        outlineVariant = Color(0xFF3A4240),
        surfaceBright = Color(0xFF363B39),
        surfaceDim = Color(0xFF101413),
        surfaceContainerLowest = Color(0xFF0B0F0E),
        surfaceContainerLow = Color(0xFF171C1B),
        surfaceContainer = Color(0xFF1B211F),
        surfaceContainerHigh = Color(0xFF252C2A),
        surfaceContainerHighest = Color(0xFF303735),
    )
