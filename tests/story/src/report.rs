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
img.icon { width: 3rem; border: 0; vertical-align: middle; }
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
    /// What a panel would show at that time: the private desktop has none.
    pub(crate) tray: TrayScene,
}

/// The tray, as it was read over D-Bus.
#[derive(Debug)]
pub(crate) struct TrayScene {
    /// File name of the icon in the report's folder.
    pub(crate) icon: String,
    pub(crate) tooltip: String,
    /// The menu's entries, from top to bottom.
    pub(crate) entries: Vec<String>,
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
             <p>A supervisor's day with the real app, on a private desktop: each picture shows the whole screen. \
             Below it is what the app gives a panel at that time, read over D-Bus: its icon in the tray, \
             the text for the pointer, and the menu.</p>\n"
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
        for Scene { language, picture, tray, .. } in scenes {
            let name = language.tag();
            let TrayScene { icon, tooltip, entries } = tray;
            let entries: String = entries.iter().map(|entry| format!("<li>{}</li>\n", escaped(entry))).collect();
            let _infallible = writeln!(
                html,
                "<figure lang=\"{name}\"><img src=\"{picture}\" alt=\"{title} ({name})\" loading=\"lazy\">\n\
                 <figcaption><img class=\"icon\" src=\"{icon}\" alt=\"\"> {tooltip}\n\
                 <details><summary>Menu</summary>\n<ul>\n{entries}</ul>\n</details>\n</figcaption>\n</figure>",
                tooltip = escaped(tooltip)
            );
        }
        html.push_str("</div>\n</section>\n");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_each_picture_are_the_icon_and_the_menu_of_the_tray() {
        let mut report = Report::new(PathBuf::new(), String::new());
        report.add(Scene {
            language: Language::English,
            title: "The inbox",
            caption: "All of them stay.",
            picture: "inbox.png".to_owned(),
            tray: TrayScene {
                icon: "icon.png".to_owned(),
                tooltip: "Belfry: 1 < 2".to_owned(),
                entries: vec!["Connected".to_owned(), "<b>Taxi</b>".to_owned()],
            },
        });
        let html = report.html();
        let picture = html.split_once("inbox.png").expect("the picture").1;
        assert!(picture.contains("src=\"icon.png\" alt=\"\"> Belfry: 1 &lt; 2\n"), "{picture}");
        assert!(picture.contains("<li>Connected</li>\n<li>&lt;b&gt;Taxi&lt;/b&gt;</li>\n"), "{picture}");
    }
}
