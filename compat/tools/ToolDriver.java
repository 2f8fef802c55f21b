import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs the main methods of Apache's command line tools in one JVM, whose start takes longer than most of them. Each line of standard
 * input is MAIN-CLASS and its arguments with tabs between; the answer is a line `CODE BYTES` and so many bytes: what the tool wrote.
 */
public final class ToolDriver {
    /** What the tools think is the end of the process. */
    private static final class Ended extends RuntimeException {
        final int code;

        Ended(int code) {
            super(null, null, false, false);
            this.code = code;
        }
    }

    private static final ByteArrayOutputStream WRITTEN = new ByteArrayOutputStream();
    /** The first end counts: some tools catch what the second is made of. Null while the tool runs. */
    private static Ended end;
    private static int writtenAtEnd;

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        // Set once and before any tool: some keep what they found here.
        PrintStream caught = new PrintStream(WRITTEN, true, StandardCharsets.UTF_8);
        System.setOut(caught);
        System.setErr(caught);
        Exit.setExitProcedure((code, message) -> end(code));
        Exit.setHaltProcedure((code, message) -> end(code));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\t", -1);
            WRITTEN.reset();
            end = null;
            int code = run(words[0], Arrays.copyOfRange(words, 1, words.length));
            caught.flush();
            byte[] written = WRITTEN.toByteArray();
            int length = end == null ? written.length : writtenAtEnd;
            answers.print((end == null ? code : end.code) + " " + length + "\n");
            answers.write(written, 0, length);
            answers.flush();
        }
    }

    private static void end(int code) {
        if (end == null) {
            end = new Ended(code);
            System.out.flush();
            writtenAtEnd = WRITTEN.size();
        }
        throw end;
    }

    private static int run(String mainClass, String[] args) {
        try {
            Class.forName(mainClass).getMethod("main", String[].class).invoke(null, (Object) args);
            return 0;
        } catch (InvocationTargetException error) {
            if (end == null) error.getCause().printStackTrace();
            return 1;
        } catch (ReflectiveOperationException error) {
            error.printStackTrace();
            return 1;
        }
    }
}
