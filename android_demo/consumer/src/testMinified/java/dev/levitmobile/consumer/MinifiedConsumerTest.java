package dev.levitmobile.consumer;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import android.app.Activity;
import android.content.ClipData;
import android.content.Intent;
import android.graphics.Bitmap;
import android.net.Uri;
import android.os.Looper;
import android.view.View;
import android.view.ViewGroup;
import android.view.accessibility.AccessibilityNodeInfo;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/**
 * The consumer as R8 leaves it. It was compiled against the AAR alone, and it is read as a screen reader reads it: the
 * test knows no class of the app or of the library but the activity of the manifest.
 */
@RunWith(RobolectricTestRunner.class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = 36)
public class MinifiedConsumerTest {
    private static final int SIDE = 224;
    private static final int MARGIN = 16; // the contract resizes the short side to 256 and crops 224 out of the middle
    private static final long LONGEST_WAIT_MS = 30_000;

    @Test
    public void withoutAPictureItAsksForOne() throws Exception {
        assertEquals("Share a picture with this app.", launched(new Intent(Intent.ACTION_MAIN), "Share .*"));
    }

    @Test
    public void aSharedGoldenPictureIsClassified() throws Exception {
        assertEquals("This is 0.", launched(sharing(golden("picture0")), "This .*"));
        assertEquals("This is 6.", launched(sharing(golden("picture1")), "This .*"));
    }

    @Test
    public void aFileThatIsNoPictureIsNamed() throws Exception {
        File file = new File(RuntimeEnvironment.getApplication().getCacheDir(), "text.png");
        Files.writeString(file.toPath(), "not a picture");
        assertEquals("This did not work:", launched(sharing(file), "This .*").substring(0, 18));
    }

    @Test
    public void theNamesOfTheLibraryAreGone() {
        assertThrows(ClassNotFoundException.class, () -> Class.forName("dev.levitmobile.LevitClassifier"));
    }

    private static String launched(Intent intent, String expected) throws Exception {
        Class<?> type = Class.forName("dev.levitmobile.consumer.MainActivity");
        Activity activity = Robolectric.buildActivity(type.asSubclass(Activity.class), intent).setup().get();
        long end = System.nanoTime() + LONGEST_WAIT_MS * 1_000_000;
        String spoken = spoken(activity.findViewById(android.R.id.content));
        while (!spoken.matches(expected) && System.nanoTime() < end) {
            Shadows.shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(16));
            Thread.sleep(4); // the classifier has a thread of its own
            spoken = spoken(activity.findViewById(android.R.id.content));
        }
        return spoken;
    }

    private static String spoken(View view) {
        AccessibilityNodeInfo node = view.createAccessibilityNodeInfo();
        String own = node.getText() == null ? "" : node.getText().toString();
        if (!(view instanceof ViewGroup group)) {
            return own;
        }
        return own + IntStream.range(0, group.getChildCount())
            .mapToObj(at -> spoken(group.getChildAt(at)))
            .collect(Collectors.joining());
    }

    private static Intent sharing(File picture) {
        Intent intent = new Intent(Intent.ACTION_SEND).setType("image/png");
        intent.setClipData(ClipData.newRawUri("", Uri.fromFile(picture)));
        return intent;
    }

    /** A golden picture with a margin that the contract's crop removes, so that the pixels stay the same. */
    private static File golden(String name) throws IOException {
        Path bundle = Path.of(System.getProperty("levit.minified"), "levit_128s-tflite-fp32");
        byte[] rgb = Files.readAllBytes(bundle.resolve("golden").resolve(name + ".rgb8"));
        int side = SIDE + 2 * MARGIN;
        Bitmap bitmap = Bitmap.createBitmap(side, side, Bitmap.Config.ARGB_8888);
        for (int at = 0; at < SIDE * SIDE; at++) {
            int colour = 0xFF000000 | (rgb[3 * at] & 255) << 16 | (rgb[3 * at + 1] & 255) << 8 | rgb[3 * at + 2] & 255;
            bitmap.setPixel(MARGIN + at % SIDE, MARGIN + at / SIDE, colour);
        }
        File file = new File(RuntimeEnvironment.getApplication().getCacheDir(), name + ".png");
        try (FileOutputStream out = new FileOutputStream(file)) {
            bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
        }
        return file;
    }
}
