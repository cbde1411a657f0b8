# Makes the MSI with WiX 3.14 on Windows, from programs that are built and signed already.
#
#   packaging/windows/build-msi.ps1 -Programs FOLDER -Out FOLDER
param([Parameter(Mandatory)] [string] $Programs, [Parameter(Mandatory)] [string] $Out)
$ErrorActionPreference = "Stop"
$root = Resolve-Path "$PSScriptRoot\..\.."
$wix = if ($env:WIX) { "$($env:WIX)bin" } else { "${env:ProgramFiles(x86)}\WiX Toolset v3.14\bin" }
$version = (Select-String -Path "$root\Cargo.toml" -Pattern '^version = "(.+)"$').Matches[0].Groups[1].Value
New-Item -ItemType Directory -Force $Out | Out-Null
$Out = Resolve-Path $Out
$Programs = Resolve-Path $Programs

$stage = Join-Path ([IO.Path]::GetTempPath()) "belfry-msi"
Remove-Item -Recurse -Force $stage -ErrorAction SilentlyContinue
New-Item -ItemType Directory -Force "$stage\en-US", "$stage\zh-CN" | Out-Null
Copy-Item "$Programs\belfry.exe", "$Programs\belfryctl.exe", "$root\icons\icon.ico" $stage
Copy-Item "$root\packaging\README.md" "$stage\admin-guide.md"
Copy-Item "$root\docs\admin-policies.md" "$stage\policies.md"
Copy-Item "$root\LICENSE" "$stage\LICENSE.txt"
Copy-Item "$root\packaging\policy\out\windows\belfry.admx" $stage
foreach ($language in "en-US", "zh-CN") {
    Copy-Item "$root\packaging\policy\out\windows\$language\belfry.adml" "$stage\$language"
}
# One version has one product code, here and where wixl builds.
$productCode = & cargo xtask package --product-code
if ($LASTEXITCODE -ne 0) { throw "no product code" }

Push-Location $stage
try {
    & "$wix\candle.exe" -nologo -arch x64 "-dVersion=$version" "-dProductCode=$productCode" -dFullWix=1 -out belfry.wixobj "$root\packaging\windows\belfry.wxs"
    if ($LASTEXITCODE -ne 0) { throw "candle failed" }
    # ICE43, ICE57 and ICE90 ask for key paths below HKCU; a package for the whole machine has none, on purpose.
    & "$wix\light.exe" -nologo -sice:ICE43 -sice:ICE57 -sice:ICE90 -out "$Out\Belfry-$version-x64.msi" belfry.wixobj
    if ($LASTEXITCODE -ne 0) { throw "light failed" }
} finally {
    Pop-Location
}
