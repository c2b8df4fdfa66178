export * from "../../Sources/HTTPServer/JavaScript/letterhouse.js";
