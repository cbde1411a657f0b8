# Installs the MSI silently, compares what is there with what should be, tries the programs against a push server on this
# machine, and removes it again. For a machine that may be changed: a runner, or a virtual machine. Needs administrator's rights.
#
#   packaging/windows/test-installed.ps1 -Msi FILE -Pushd belfry-pushd.exe
param([Parameter(Mandatory)] [string] $Msi, [Parameter(Mandatory)] [string] $Pushd)
$ErrorActionPreference = "Stop"
$failures = @()
function Check([string] $what, $found, $expected) {
    if ("$found" -ceq "$expected") { Write-Host "ok: $what" }
    else { $script:failures += $what; Write-Host "FAILED: $what: found '$found', expected '$expected'" }
}
function Msiexec([string[]] $arguments) {
    (Start-Process msiexec.exe -Wait -PassThru -ArgumentList ($arguments + "/qn", "/norestart", "/l*v", "$env:TEMP\belfry-msi.log")).ExitCode
}
function Value([string] $key, [string] $name) { (Get-ItemProperty -LiteralPath $key -ErrorAction SilentlyContinue).$name }

$ready = "$env:TEMP\pushd.txt"
$server = Start-Process -PassThru -NoNewWindow -RedirectStandardOutput $ready -FilePath $Pushd `
    -ArgumentList "--listen", "127.0.0.1:0", "--user", "alice:secret"
try {
    while (-not (Get-Content $ready -ErrorAction SilentlyContinue)) { Start-Sleep -Milliseconds 200 }
    $address = Get-Content $ready -TotalCount 1 | ConvertFrom-Json

    $code = Msiexec "/i", "`"$Msi`"", "SERVER=$($address.stomp)", "LOGIN_URL=$($address.http)/login", "DESKTOPSHORTCUT=1"
    Check "silent install" $code 0
    $folder = "$env:ProgramFiles\Belfry"
    foreach ($file in "belfry.exe", "belfryctl.exe", "admin-guide.md", "policies.md", "LICENSE.txt", "policies\belfry.admx",
        "policies\en-US\belfry.adml", "policies\zh-CN\belfry.adml") {
        Check $file (Test-Path "$folder\$file") $true
    }
    Check "installer default" (Value "HKLM:\Software\Belfry\Defaults" "server.endpoints") "[`"$($address.stomp)`"]"
    Check "autostart is quoted" (Value "HKLM:\Software\Microsoft\Windows\CurrentVersion\Run" "Belfry") "`"$folder\belfry.exe`" --hidden"
    Check "scheme" (Value "HKLM:\Software\Classes\belfry\shell\open\command" "(default)") "`"$folder\belfry.exe`" `"%1`""
    $menu = "$env:ProgramData\Microsoft\Windows\Start Menu\Programs"
    Check "Start-menu shortcut" (Test-Path "$menu\Belfry.lnk") $true
    $app = (New-Object -ComObject Shell.Application).NameSpace($menu).ParseName("Belfry.lnk")
    Check "AppUserModelID" $app.ExtendedProperty("System.AppUserModel.ID") "app.belfry.desktop"
    Check "desktop shortcut" (Test-Path "$env:PUBLIC\Desktop\Belfry.lnk") $true

    # A policy of the machine stands over one of the person.
    New-Item -Force "HKLM:\Software\Policies\Belfry", "HKCU:\Software\Policies\Belfry" | Out-Null
    Set-ItemProperty "HKLM:\Software\Policies\Belfry" "inbox.retention_days" 30 -Type DWord
    Set-ItemProperty "HKCU:\Software\Policies\Belfry" "inbox.retention_days" 90 -Type DWord
    $policy = & "$folder\belfryctl.exe" policy --json | ConvertFrom-Json | Where-Object { $_.name -eq "inbox.retention_days" -and $_.status -eq "in-effect" }
    Check "policy value" $policy.value 30
    Check "policy scope" $policy.scope "machine"
    Remove-Item -Recurse "HKLM:\Software\Policies\Belfry", "HKCU:\Software\Policies\Belfry"

    $env:BELFRY_PASSWORD = "secret"
    $settings = "$env:TEMP\belfry-test.toml"
    Set-Content $settings "[server]`nendpoints = [`"$($address.stomp)`"]`n[auth]`nmode = `"password`"`nlogin = `"alice`"`nlogin_url = `"$($address.http)/login`"`n"
    $data = "$env:TEMP\belfry-test-data"
    & "$folder\belfryctl.exe" run --json --timeout 15s --config $settings --data-dir $data | Tee-Object -Variable lines
    Check "belfryctl run goes live" ($lines -match '"state":"live"').Count.CompareTo(0) 1
    & "$folder\belfryctl.exe" doctor --config $settings --data-dir $data
    $smoke = Start-Process -Wait -PassThru -FilePath "$folder\belfry.exe" -ArgumentList "--smoke-test", "--config", $settings, "--data-dir", $data
    Check "belfry --smoke-test" $smoke.ExitCode 0

    Check "silent removal" (Msiexec "/x", "`"$Msi`"") 0
    Check "files are gone" (Test-Path "$folder\belfry.exe") $false
    Check "registry is gone" (Test-Path "HKLM:\Software\Belfry") $false
    Check "autostart is gone" (Value "HKLM:\Software\Microsoft\Windows\CurrentVersion\Run" "Belfry") ""
    Check "the inbox stays" (Test-Path $data) $true

    # No start at login.
    Check "silent install with AUTOSTART=0" (Msiexec "/i", "`"$Msi`"", "AUTOSTART=0") 0
    Check "AUTOSTART=0: the program is there" (Test-Path "$folder\belfry.exe") $true
    Check "AUTOSTART=0: no autostart" (Value "HKLM:\Software\Microsoft\Windows\CurrentVersion\Run" "Belfry") ""
    Check "silent removal after AUTOSTART=0" (Msiexec "/x", "`"$Msi`"") 0
} finally {
    Stop-Process $server
}
if ($failures) { throw "failed: $($failures -join '; ')" }
