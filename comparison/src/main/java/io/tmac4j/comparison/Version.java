package io.tmac4j.comparison;

import io.tmac4j.comparison.environment.Product;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(name = "version", header = "Print the versions of tmac, llama.cpp and Java.",
        description = {
            "Prints what this program, its llama.cpp libraries and the Java VM are, one to a line.",
            "",
            "Examples:",
            "  tmac version",
        })
final class Version implements Callable<Integer>, IVersionProvider {

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        for (String line : getVersion()) {
            out.println(line);
        }
        out.flush();
        return 0;
    }

    @Override
    public String[] getVersion() {
        return new String[] {
            "tmac4j     " + Product.version(),
            "Java       " + System.getProperty("java.vm.version") + " " + System.getProperty("java.vm.name")
                    + " (" + System.getProperty("java.vendor") + ")",
            "system     " + System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                    + System.getProperty("os.arch"),
        };
    }
}
