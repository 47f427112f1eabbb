package dev.levitmobile.demo;

import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.content.Context;
import android.content.Intent;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.net.Uri;
import android.view.View;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/**
 * The app as R8 leaves it: class files instead of dex, by the same rules. What shrinking breaks, breaks here. The test
 * knows no class but the activity of the manifest, and reads the screen as a screen reader does.
 */
@RunWith(RobolectricTestRunner.class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = 36, qualifiers = "w411dp-h891dp-port-420dpi")
public class MinifiedAppTest {
    private static final List<String> BUNDLES = List.of("levit_128s-executorch-fp32", "levit_128s-tflite-fp32");
    private static final int SIDE = 224;
    private static final int MARGIN = 16; // the contract resizes the short side to 256 and crops 224 out of the middle

    /** One test, one activity: a second one of this process would wait for a frame of the first, which never comes. */
    @Test
    public void aSharedGoldenPictureIsClassifiedAndEachBundleProvesItself() throws Exception {
        Activity activity = launched(sharing("picture0"));
        SpokenScreen screen = new SpokenScreen(activity);
        screen.await("0");
        screen.await("\\d+[.,]\\d+ ms");
        assertTrue(screen.await("\\d+[.,]?\\d*\\s?%").length() > 1);
        draw(activity, "minified.png");
        screen.press("Bundles");
        screen.awaitGone("\\d+[.,]\\d+ ms"); // the photo's screen names its bundle too
        for (String name : BUNDLES) {
            screen.press(name);
            screen.press("Run the self-check");
            screen.await("Proven on \\d+ golden images?\\.");
            screen.press("Back to the list");
        }
    }

    @Test
    public void namesAreGone() {
        assertThrows(ClassNotFoundException.class, () -> Class.forName("dev.levitmobile.LevitClassifier"));
    }

    private static Activity launched(Intent intent) throws Exception {
        Class<?> type = Class.forName("dev.levitmobile.demo.MainActivity");
        return Robolectric.buildActivity(type.asSubclass(Activity.class), intent).setup().get();
    }

    private static Intent sharing(String name) throws IOException {
        Context context = RuntimeEnvironment.getApplication();
        Uri uri = Uri.parse("content://dev.levitmobile.test/" + name + ".png");
        byte[] png = png(name);
        Shadows.shadowOf(context.getContentResolver()).registerInputStreamSupplier(uri, () -> new ByteArrayInputStream(png));
        return new Intent(Intent.ACTION_SEND).setType("image/png").putExtra(Intent.EXTRA_STREAM, uri);
    }

    /** A golden picture with a margin that the contract's crop removes, so that the pixels stay the same. */
    private static byte[] png(String name) throws IOException {
        Path bundle = Path.of(System.getProperty("levit.minified"), "levit_128s-tflite-fp32");
        byte[] rgb = Files.readAllBytes(bundle.resolve("golden").resolve(name + ".rgb8"));
        int side = SIDE + 2 * MARGIN;
        Bitmap bitmap = Bitmap.createBitmap(side, side, Bitmap.Config.ARGB_8888);
        for (int at = 0; at < SIDE * SIDE; at++) {
            int colour = 0xFF000000 | (rgb[3 * at] & 255) << 16 | (rgb[3 * at + 1] & 255) << 8 | rgb[3 * at + 2] & 255;
            bitmap.setPixel(MARGIN + at % SIDE, MARGIN + at / SIDE, colour);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
        return out.toByteArray();
    }

    /** Draws the screen into the folder for pictures, where one was asked for. */
    private static void draw(Activity activity, String name) throws IOException {
        String screens = System.getProperty("levit.screens");
        if (screens == null) {
            return;
        }
        View view = activity.getWindow().getDecorView();
        Bitmap bitmap = Bitmap.createBitmap(view.getWidth(), view.getHeight(), Bitmap.Config.ARGB_8888);
        view.draw(new Canvas(bitmap));
        File folder = new File(screens);
        folder.mkdirs();
        try (FileOutputStream out = new FileOutputStream(new File(folder, name))) {
            bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
        }
    }
}
