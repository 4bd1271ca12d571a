package io.tmac4j.comparison.report;

import io.tmac4j.comparison.Failure;
import io.tmac4j.comparison.output.WholeFile;
import java.awt.BasicStroke;
import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The figures of a report as files, one each, drawn by XChart. */
public final class ChartFiles {

    private static final int WIDTH = 960;
    private static final int HEIGHT = 540;
    private static final float[] DASHES = {6, 4};
    /** Okabe and Ito's palette, as on the page: distinguishable with every kind of colour vision. */
    private static final Color[] COLOURS = {new Color(0x0072b2), new Color(0xd55e00), new Color(0x009e73), new Color(0xcc79a7),
        new Color(0xe69f00), new Color(0x56b4e9)};
    private static final Marker[] MARKERS = {SeriesMarkers.CIRCLE, SeriesMarkers.DIAMOND, SeriesMarkers.TRIANGLE_UP,
        SeriesMarkers.SQUARE, SeriesMarkers.CROSS, SeriesMarkers.TRIANGLE_DOWN};

    /** The forms of a file. */
    public enum Form {
        SVG, PNG;

        private String ending() {
            return "." + name().toLowerCase(Locale.ROOT);
        }
    }

    private ChartFiles() {
    }

    /**
     * Writes every figure into a folder, which is made if there is none.
     *
     * @return the files
     * @throws Failure if this system cannot draw
     */
    public static List<Path> write(List<Machines.Entry> machines, Path folder, Form form) throws IOException {
        System.setProperty("java.awt.headless", "true");
        Files.createDirectories(folder);
        List<Path> files = new ArrayList<>();
        for (Figure figure : Figures.of(machines)) {
            Path file = folder.resolve(String.format(Locale.ROOT, "%02d-%s%s", files.size() + 1, name(figure.title()),
                    form.ending()));
            WholeFile.write(file, draw(figure, form));
            files.add(file);
        }
        return files;
    }

    private static byte[] draw(Figure figure, Form form) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            Chart<?, ?> chart = figure.kind().equals("bar") ? bars(figure) : lines(figure);
            if (form == Form.SVG) {
                VectorGraphicsEncoder.saveVectorGraphic(chart, bytes, VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
            } else {
                BitmapEncoder.saveBitmap(chart, bytes, BitmapEncoder.BitmapFormat.PNG);
            }
        } catch (LinkageError | InternalError noFonts) {
            throw new Failure("figures cannot be drawn here, because Java finds no fonts (" + noFonts.getMessage()
                    + "); install fontconfig and a font, or use --html, which needs none", noFonts);
        }
        return bytes.toByteArray();
    }

    private static Chart<?, ?> lines(Figure figure) {
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(figure.title()).xAxisTitle(figure.x())
                .yAxisTitle(figure.y()).build();
        style(chart.getStyler());
        for (Figure.Series series : figure.series()) {
            List<Figure.Point> points = series.points().stream().filter(p ->
                    Double.isFinite(((Number) p.x()).doubleValue())).toList();
            if (points.isEmpty()) {
                continue;
            }
            XYSeries drawn = chart.addSeries(series.name(), points.stream().mapToDouble(p ->
                    ((Number) p.x()).doubleValue()).toArray(),
                    points.stream().mapToDouble(Figure.Point::y).toArray());
            drawn.setXYSeriesRenderStyle(figure.kind().equals("line") ? XYSeries.XYSeriesRenderStyle.Line
                    : XYSeries.XYSeriesRenderStyle.Scatter);
            if (series.role().equals("published")) {
                drawn.setLineStyle(new BasicStroke(2, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10, DASHES, 0));
            }
        }
        chart.getStyler().setSeriesMarkers(MARKERS);
        if (figure.x().equals("threads")) {
            chart.getStyler().setxAxisTickLabelsFormattingFunction(x -> x == Math.rint(x) ? Long.toString(Math.round(x)) : "");
        }
        return chart;
    }

    private static Chart<?, ?> bars(Figure figure) {
        CategoryChart chart = new CategoryChartBuilder().width(WIDTH).height(HEIGHT).title(figure.title()).xAxisTitle(figure.x())
                .yAxisTitle(figure.y()).build();
        style(chart.getStyler());
        chart.getStyler().setXAxisLabelRotation(20);
        chart.getStyler().setAvailableSpaceFill(0.7);
        List<String> names = figure.series().stream().flatMap(s -> s.points().stream()).map(p ->
                p.x().toString()).distinct().toList();
        for (Figure.Series series : figure.series()) {
            Double[] values = new Double[names.size()];
            series.points().forEach(point -> values[names.indexOf(point.x().toString())] = point.y());
            chart.addSeries(series.name(), names, Arrays.asList(values));
        }
        return chart;
    }

    private static void style(AxesChartStyler styler) {
        styler.setYAxisMin(0.0);
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotBorderVisible(false);
        styler.setLegendPosition(Styler.LegendPosition.OutsideS);
        styler.setLegendLayout(Styler.LegendLayout.Horizontal);
        styler.setLegendBorderColor(Color.WHITE);
        styler.setSeriesColors(COLOURS);
        styler.setAntiAlias(true);
    }

    /** A title as part of a file's name on every system. */
    static String name(String title) {
        String plain = title.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        return plain.length() <= 60 ? plain : plain.substring(0, 60).replaceAll("-$", "");
    }
}
