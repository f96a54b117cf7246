package kafkatest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pom asks Maven for a broker with all that it depends on. The logger prints warnings to the standard error
// output, from where they come into a failed start's message.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>leat</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>VERSION</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

// DownloadJars puts the broker's jars (about 110 MB, from Maven Central) into the user's cache folder, unless they
// are there already, and returns the folder. It needs Maven.
func DownloadJars(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	version := CurrentVersion()
	dir := filepath.Join(cache, "leat", "kafka-"+version)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("download Kafka's jars: install Maven (Debian: apt-get install maven): %w", err)
	}
	// The folder appears complete or not at all, also if two test binaries are at it.
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "download-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	file, jars := filepath.Join(tmp, "pom.xml"), filepath.Join(tmp, "jars")
	if err := os.WriteFile(file, []byte(strings.Replace(pom, "VERSION", version, 1)), 0o644); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", file, "dependency:copy-dependencies", "-DoutputDirectory="+jars)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("download Kafka %s's jars: %w\n%s", version, err, out)
	}
	if err := os.Rename(jars, dir); err != nil {
		if _, serr := os.Stat(dir); serr == nil {
			return dir, nil // Somebody else was faster.
		}
		return "", err
	}
	return dir, nil
}
