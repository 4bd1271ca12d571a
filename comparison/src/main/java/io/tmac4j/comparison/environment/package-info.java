/** What a measurement ran on: machine, operating system, Java VM, libraries. */
package io.tmac4j.comparison.environment;
