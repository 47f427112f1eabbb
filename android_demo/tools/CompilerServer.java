import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;

/**
 * Runs the Kotlin compiler for one request after the other in one JVM, which gets faster with each.
 *
 * <p>A request is a line with the path of a folder that has the file {@code arguments}, one a line. The answer is a line
 * with the compiler's exit code; what it printed is then in the file {@code printed}.
 */
public final class CompilerServer {
    private CompilerServer() {}

    public static void main(String[] none) throws IOException {
        System.setProperty("kotlin.environment.keepalive", "true");
        var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (var folder = requests.readLine(); folder != null; folder = requests.readLine()) {
            var arguments = Files.readAllLines(Path.of(folder, "arguments")).toArray(String[]::new);
            try (var printed = new PrintStream(Path.of(folder, "printed").toFile(), StandardCharsets.UTF_8)) {
                System.out.println(new K2JVMCompiler().exec(printed, arguments).getCode());
            }
        }
    }
}
