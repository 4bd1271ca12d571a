package io.tmac4j.comparison.report;

import java.util.List;

/**
 * A figure, to be drawn by the page or into a file.
 *
 * @param title  what it shows
 * @param x      title of the horizontal axis, or an empty string
 * @param y      title of the vertical axis
 * @param kind   {@code line}, {@code scatter}, {@code bar}
 * @param series lines, or groups of bars
 */
record Figure(String title, String x, String y, String kind, List<Series> series) {

    /** A line or a group of bars; {@code role} is {@code measured} or, for numbers of others, drawn dashed, {@code published}. */
    record Series(String name, String role, List<Point> points) {
    }

    /** A point: {@code x} is a number or the name of a bar, {@code note} is shown beside its value. */
    record Point(Object x, double y, String note) {
    }
}
