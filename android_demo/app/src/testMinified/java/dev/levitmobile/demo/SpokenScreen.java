package dev.levitmobile.demo;

import android.app.Activity;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.os.Bundle;
import android.os.Looper;
import android.view.View;
import android.view.ViewGroup;
import android.view.accessibility.AccessibilityNodeInfo;
import android.view.accessibility.AccessibilityNodeProvider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.robolectric.Shadows;

/** A screen as a screen reader gets it: texts in their order, and what can be pressed. */
final class SpokenScreen {
    private static final long LONGEST_WAIT_MS = 60_000;
    private static final String UNSEEN = "[\u2066-\u2069\u200B]"; // the direction of a name, and where it may be broken

    private final Activity activity;
    private final Bitmap pixel = Bitmap.createBitmap(1, 1, Bitmap.Config.ARGB_8888);

    SpokenScreen(Activity activity) {
        this.activity = activity;
    }

    private record Node(AccessibilityNodeProvider provider, int id, AccessibilityNodeInfo info, Node parent) {
        String text() {
            CharSequence spoken = info.getText() != null ? info.getText() : info.getContentDescription();
            return spoken == null ? "" : spoken.toString().replaceAll(UNSEEN, "");
        }
    }

    /** Waits until a text is there that matches; fails with all texts of the screen. */
    String await(String pattern) throws Exception {
        return awaitNode(pattern).text();
    }

    /** Presses what a text belongs to: the nearest node around it that can be pressed. */
    void press(String pattern) throws Exception {
        Node node = awaitNode(pattern);
        while (!node.info().isClickable()) {
            node = node.parent();
            if (node == null) {
                throw new AssertionError(pattern + " cannot be pressed");
            }
        }
        if (!node.provider().performAction(node.id(), AccessibilityNodeInfo.ACTION_CLICK, new Bundle())) {
            throw new AssertionError(pattern + " refuses to be pressed");
        }
    }

    /** Waits until no text matches any more: a press shows its effect some frames later. */
    void awaitGone(String pattern) throws Exception {
        awaitThat("a text still matches " + pattern, () -> find(pattern).isEmpty());
    }

    private Node awaitNode(String pattern) throws Exception {
        awaitThat("no text matches " + pattern, () -> find(pattern).isPresent());
        return find(pattern).orElseThrow();
    }

    private Optional<Node> find(String pattern) throws Exception {
        return nodes().stream().filter(node -> node.text().matches(pattern)).findFirst();
    }

    private void awaitThat(String otherwise, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + LONGEST_WAIT_MS * 1_000_000;
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                throw new AssertionError(otherwise + " in " + nodes().stream().map(Node::text).toList());
            }
            Shadows.shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(16));
            Thread.sleep(4); // the work of the app's own threads is not on the looper
            placeEverything();
        }
    }

    /** A change of the screen gets its place when the window is drawn, which Robolectric may put off. */
    private void placeEverything() {
        activity.getWindow().getDecorView().draw(new Canvas(pixel));
    }

    private List<Node> nodes() throws Exception {
        List<Node> found = new ArrayList<>();
        collect(activity.getWindow().getDecorView(), found);
        return found;
    }

    private static void collect(View view, List<Node> into) throws Exception {
        AccessibilityNodeProvider provider = view.getAccessibilityNodeProvider();
        if (provider != null) {
            collect(provider, AccessibilityNodeProvider.HOST_VIEW_ID, null, into);
        }
        if (view instanceof ViewGroup group) {
            for (int at = 0; at < group.getChildCount(); at++) {
                collect(group.getChildAt(at), into);
            }
        }
    }

    private static void collect(AccessibilityNodeProvider provider, int id, Node parent, List<Node> into) throws Exception {
        AccessibilityNodeInfo info = provider.createAccessibilityNodeInfo(id);
        if (info == null) {
            return;
        }
        Node node = new Node(provider, id, info, parent);
        into.add(node);
        for (int at = 0; at < info.getChildCount(); at++) {
            // The framework hides both: it gives children only to services that hold a connection.
            long child = (long) AccessibilityNodeInfo.class.getMethod("getChildId", int.class).invoke(info, at);
            Object virtual = AccessibilityNodeInfo.class.getMethod("getVirtualDescendantId", long.class).invoke(null, child);
            collect(provider, (int) virtual, node, into);
        }
    }
}
