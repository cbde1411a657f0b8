UPDATE `Component` SET `Condition` = 'SERVER' WHERE `Component` = 'ServerDefault'
UPDATE `Component` SET `Condition` = 'LOGIN_URL' WHERE `Component` = 'LoginDefault'
UPDATE `Component` SET `Condition` = 'AUTOSTART <> "0"' WHERE `Component` = 'Autostart'
UPDATE `Component` SET `Condition` = 'DESKTOPSHORTCUT = "1"' WHERE `Component` = 'DesktopShortcut'
UPDATE `Property` SET `Value` = 'WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED;SERVER;LOGIN_URL;AUTOSTART;DESKTOPSHORTCUT' WHERE `Property` = 'SecureCustomProperties'
CREATE TABLE `MsiShortcutProperty` (`MsiShortcutProperty` CHAR(72) NOT NULL, `Shortcut_` CHAR(72) NOT NULL, `PropertyKey` CHAR(0) NOT NULL, `PropVariantValue` CHAR(0) NOT NULL PRIMARY KEY `MsiShortcutProperty`)
INSERT INTO `MsiShortcutProperty` (`MsiShortcutProperty`, `Shortcut_`, `PropertyKey`, `PropVariantValue`) VALUES ('StartMenuAppId', 'StartMenu', 'System.AppUserModel.ID', 'app.belfry.desktop')
UPDATE `File` SET `FileName` = 'belfryct.exe|belfryctl.exe' WHERE `File` = 'belfryctl.exe'
UPDATE `File` SET `FileName` = 'webview2.dll|WebView2Loader.dll' WHERE `File` = 'WebView2Loader.dll'
UPDATE `File` SET `FileName` = 'guide.md|admin-guide.md' WHERE `File` = 'guide.md'
UPDATE `File` SET `FileName` = 'belfry.adx|belfry.admx' WHERE `File` = 'belfry.admx'
UPDATE `File` SET `FileName` = 'belfry.adl|belfry.adml' WHERE `File` = 'belfry.adml.en'
UPDATE `File` SET `FileName` = 'belfry.adl|belfry.adml' WHERE `File` = 'belfry.adml.zh'
