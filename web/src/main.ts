import "./page.css";
import { mount } from "svelte";
import Site from "./page/Site.svelte";

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no #app");
mount(Site, { target });
