// uPlot and its style sheet as one chunk that is fetched only when a history chart is opened.
import "uplot/dist/uPlot.min.css";

export { default } from "uplot";
