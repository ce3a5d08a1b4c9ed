import "./page.css";
import { mount } from "svelte";
import Overview from "./page/Overview.svelte";

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no #app");
mount(Overview, { target });
