package io.tmac4j.comparison.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuotaTest {

    private static final String SECOND = "0::/user.slice/run.scope\n";
    private static final String FIRST = "6:freezer:/helpers\n2:cpuacct:/other\n1:cpu:/limited/inner\n0::/\n";

    @TempDir
    private Path root;

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    @Test
    void theGroupOfTheProgramIsReadAndNotTheRootAlone() throws IOException {
        write("user.slice/run.scope/cpu.max", "100000 100000\n");
        assertThat(Quota.read(root, SECOND)).contains(1.0);
        assertThat(Quota.read(root, "0::/user.slice\n")).isEmpty();
        write("cpu/limited/inner/cpu.cfs_quota_us", "150000\n");
        write("cpu/limited/inner/cpu.cfs_period_us", "100000\n");
        write("cpu/cpu.cfs_quota_us", "-1\n");
        write("cpu/cpu.cfs_period_us", "100000\n");
        assertThat(Quota.read(root, FIRST)).contains(1.5);
        assertThat(Quota.read(root, "1:cpu:/\n")).isEmpty();
    }

    @Test
    void theLeastOfTheGroupsAboveCounts() throws IOException {
        write("user.slice/cpu.max", "50000 100000\n");
        write("user.slice/run.scope/cpu.max", "200000 100000\n");
        assertThat(Quota.read(root, SECOND)).contains(0.5);
        write("cpu/limited/cpu.cfs_quota_us", "25000\n");
        write("cpu/limited/cpu.cfs_period_us", "100000\n");
        assertThat(Quota.read(root, FIRST)).contains(0.25);
    }

    @Test
    void controllersThatShareAFolderAreFound() throws IOException {
        write("cpu,cpuacct/box/cpu.cfs_quota_us", "75000\n");
        write("cpu,cpuacct/box/cpu.cfs_period_us", "50000\n");
        assertThat(Quota.read(root, "4:cpu,cpuacct:/box\n")).contains(1.5);
        assertThat(Quota.read(root, "4:cpuset,cpuacct:/box\n")).isEmpty();
    }

    @Test
    void insideAContainerTheRootIsTheGroup() throws IOException {
        write("cpu.max", "100000 100000\n");
        assertThat(Quota.read(root, "0::/\n")).contains(1.0);
        assertThat(Quota.read(root, "0::/docker/not-visible-here\n")).contains(1.0);
        assertThat(Quota.read(root, "0::/../outside\n")).contains(1.0);
    }

    @Test
    void groupsWithoutAQuotaHaveNone() throws IOException {
        write("cpu.max", "max 100000\n");
        assertThat(Quota.read(root, SECOND)).isEmpty();
        write("cpu.max", "");
        assertThat(Quota.read(root, SECOND)).isEmpty();
        assertThat(Quota.read(root, "")).isEmpty();
        assertThat(Quota.read(root, "no such line")).isEmpty();
    }
}
