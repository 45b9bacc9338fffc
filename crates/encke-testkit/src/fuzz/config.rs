use encke_gateway::config::Sources;

/// A configuration file.
///
/// # Panics
/// If the effective configuration, written as a file, is another one; or if an error has no place or no words.
pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Sources::new().text("fuzz.toml", text).load() {
        Ok(loaded) => {
            let written = loaded.settings.to_toml(true);
            let again = Sources::new().text("written.toml", &written).load();
            let again = again.unwrap_or_else(|errors| panic!("{errors}\nfor {written}\nof {text}"));
            assert_eq!(again.config, loaded.config, "{text}\nwas written as\n{written}");
            loaded.warnings.iter().for_each(|warning| assert!(!warning.to_string().is_empty()));
        }
        Err(errors) => assert!(errors.to_string().contains("fuzz.toml"), "{errors}"),
    }
}
