# Signs files with the certificate in RUNNER_TEMP\certificate.pfx and a time stamp.
#
#   packaging/windows/sign.ps1 FILE...
$ErrorActionPreference = "Stop"
$signtool = Get-ChildItem "${env:ProgramFiles(x86)}\Windows Kits\10\bin\*\x64\signtool.exe" | Sort-Object FullName | Select-Object -Last 1
if (-not $signtool) { throw "signtool.exe of the Windows SDK is missing" }
foreach ($file in $args) {
    & $signtool.FullName sign /f "$env:RUNNER_TEMP\certificate.pfx" /p $env:WINDOWS_CERTIFICATE_PASSWORD `
        /fd sha256 /tr http://timestamp.digicert.com /td sha256 /d Belfry $file
    if ($LASTEXITCODE -ne 0) { throw "$file was not signed" }
    & $signtool.FullName verify /pa $file
    if ($LASTEXITCODE -ne 0) { throw "the signature of $file cannot be verified" }
}
