//! The page of the story: one section for each scene, with a screenshot in each language, and the
//! terminal transcript.

use std::fmt::Write as _;
use std::path::PathBuf;

use belfry_core::texts::Language;

const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 90rem; margin: 2rem auto; padding: 0 1rem; }
section { margin: 3rem 0; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(28rem, 1fr)); gap: 1rem; }
figure { margin: 0; }
img { width: 100%; border: 1px solid #8888; border-radius: 6px; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid #8888; border-radius: 6px; }
";

/// One scene of the story in one language.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) language: Language,
    pub(crate) title: &'static str,
    pub(crate) caption: &'static str,
    /// File name of the screenshot in the report's folder.
    pub(crate) picture: String,
}

/// The scenes so far.
#[derive(Debug)]
pub(crate) struct Report {
    folder: PathBuf,
    transcript: String,
    scenes: Vec<Scene>,
}

impl Report {
    pub(crate) fn new(folder: PathBuf, transcript: String) -> Self {
        Self { folder, transcript, scenes: Vec::new() }
    }

    pub(crate) fn add(&mut self, scene: Scene) {
        self.scenes.push(scene);
    }

    /// Writes the page and returns its path.
    pub(crate) fn write(&self) -> PathBuf {
        let file = self.folder.join("index.html");
        std::fs::write(&file, self.html()).expect("the page written");
        file
    }

    fn html(&self) -> String {
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Belfry: the story</title>\n\
             <style>{STYLE}</style>\n<h1>Belfry: the story</h1>\n\
             <p>A supervisor's day with the real app, on a private desktop: each picture shows the whole screen.</p>\n"
        );
        let mut titles: Vec<&str> = Vec::new();
        for scene in &self.scenes {
            if !titles.contains(&scene.title) {
                titles.push(scene.title);
                self.section(&mut html, scene);
            }
        }
        if !self.transcript.is_empty() {
            let _infallible = write!(
                html,
                "<section>\n<h2>The same story in the terminal</h2>\n<pre>{}</pre>\n</section>\n",
                escaped(&self.transcript)
            );
        }
        html
    }

    fn section(&self, html: &mut String, Scene { title, caption, .. }: &Scene) {
        let _infallible = write!(html, "<section>\n<h2>{title}</h2>\n<p>{caption}</p>\n<div class=\"pictures\">\n");
        let mut scenes: Vec<&Scene> = self.scenes.iter().filter(|scene| scene.title == *title).collect();
        scenes.sort_by_key(|scene| scene.language != Language::English);
        for Scene { language, picture, .. } in scenes {
            let name = language.tag();
            let _infallible =
                writeln!(html, "<figure><img src=\"{picture}\" alt=\"{title} ({name})\" loading=\"lazy\"></figure>");
        }
        html.push_str("</div>\n</section>\n");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
