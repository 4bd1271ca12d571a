@echo off
rem Starts tmac4j's command line: finds JDK 25, builds when there is nothing to run or a source is newer, and runs.
rem   TMAC_JAVA_HOME   a JDK to use, 25 or newer     TMAC_JAVA_OPTS   further JVM arguments
setlocal EnableExtensions DisableDelayedExpansion

set "root=%~dp0"
set "root=%root:~0,-1%"
set "lib=%root%\comparison\target\lib"
set "jar=%lib%\tmac4j-comparison.jar"
set "built=%root%\comparison\target\built"
set "jdk="

if not defined TMAC_JAVA_HOME goto search
call :feature "%TMAC_JAVA_HOME%"
if not defined feature goto wrong_home
if %feature% LSS 25 goto old_home
set "jdk=%TMAC_JAVA_HOME%"
goto have_jdk

:search
if defined JAVA_HOME call :candidate "%JAVA_HOME%"
for /f "delims=" %%p in ('where java 2^>nul') do call :candidate "%%~dpp.."
for %%d in (
    "%ProgramFiles%\Eclipse Adoptium"
    "%ProgramFiles%\Java"
    "%ProgramFiles%\Microsoft"
    "%ProgramFiles%\Amazon Corretto"
    "%ProgramFiles%\Zulu"
    "%ProgramFiles%\BellSoft"
    "%LOCALAPPDATA%\Programs\Eclipse Adoptium"
    "%USERPROFILE%\.jdks"
) do for /d %%j in ("%%~d\*") do call :candidate "%%~fj"
if not defined jdk goto no_jdk

:have_jdk
if not exist "%jar%" goto build
rem PowerShell compares the times; the paths reach it through the environment, so that any letter may stand in them
"%SystemRoot%\System32\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -NonInteractive -Command ^
    "$stamp = (Get-Item -LiteralPath $env:jar).LastWriteTimeUtc;" ^
    "if (Test-Path -LiteralPath $env:built) { $b = (Get-Item -LiteralPath $env:built).LastWriteTimeUtc; if ($b -gt $stamp) { $stamp = $b } };" ^
    "$sources = @((Join-Path $env:root 'pom.xml'), (Join-Path $env:root 'third_party\llama.cpp.properties'));" ^
    "foreach ($m in 'third_party', 'bindings', 'tmac-kernels', 'comparison')" ^
    "{ $sources += (Join-Path $env:root ($m + '\pom.xml')); $sources += (Join-Path $env:root ($m + '\src\main')) };" ^
    "$files = Get-ChildItem -LiteralPath $sources -Recurse -File -ErrorAction SilentlyContinue;" ^
    "if ($files | Where-Object { $_.LastWriteTimeUtc -gt $stamp } | Select-Object -First 1) { exit 3 }"
if not errorlevel 3 goto run

:build
where mvn >nul 2>nul
if errorlevel 1 goto no_maven
>&2 echo tmac: building tmac4j (a minute or two the first time) ...
if not exist "%root%\comparison\target" mkdir "%root%\comparison\target"
rem as old as the start of the build: what is edited meanwhile counts as newer
type nul >"%built%.started"
call :maven 1>&2
if errorlevel 1 goto build_failed
move /y "%built%.started" "%built%" >nul

:run
"%jdk%\bin\java.exe" ^
    --module-path "%lib%" --class-path "%lib%\natives\*" ^
    --add-modules jdk.incubator.vector --enable-native-access=io.tmac4j.bindings,io.tmac4j.kernels,org.jline.terminal.ffm ^
    -XX:+UseSerialGC %TMAC_JAVA_OPTS% ^
    --module io.tmac4j.comparison/io.tmac4j.comparison.Tmac %*
exit /b %errorlevel%

rem runs Maven on the JDK that was found
:maven
setlocal
set "JAVA_HOME=%jdk%"
set "MAVEN_OPTS=%MAVEN_OPTS% --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
cd /d "%root%" || exit /b 1
call mvn -B -q -Dstyle.color=never -Dmaven.test.skip=true -pl comparison -am package
exit /b %errorlevel%

rem sets jdk to folder %1 if it is a JDK 25 and none is set
:candidate
if defined jdk exit /b 0
call :feature "%~1"
if "%feature%"=="25" set "jdk=%~f1"
exit /b 0

rem sets feature to the feature version of the JDK in folder %1, to nothing if there is none
:feature
set "feature="
if not exist "%~1\bin\javac.exe" exit /b 0
if not exist "%~1\release" exit /b 0
for /f "usebackq tokens=2 delims==" %%v in (`findstr /b "JAVA_VERSION=" "%~1\release"`) do set "feature=%%~v"
if not defined feature exit /b 0
for /f "tokens=1 delims=.+-" %%v in ("%feature%") do set "feature=%%v"
exit /b 0

:wrong_home
>&2 echo tmac: TMAC_JAVA_HOME is "%TMAC_JAVA_HOME%", which is no JDK; point it to a JDK 25 or leave it unset.
exit /b 1

:old_home
>&2 echo tmac: TMAC_JAVA_HOME is "%TMAC_JAVA_HOME%", a JDK %feature%; tmac needs 25 or newer.
exit /b 1

:no_jdk
>&2 echo tmac: JDK 25 was not found (looked at TMAC_JAVA_HOME, JAVA_HOME, the PATH and Program Files); install it as README.md says, or set TMAC_JAVA_HOME to its folder.
exit /b 1

:no_maven
>&2 echo tmac: tmac4j has to be built and Maven was not found on the PATH; install Maven 3.8 or newer as README.md says.
exit /b 1

:build_failed
>&2 echo tmac: the build failed, as said above; to see more, run "mvn -B package" in "%root%".
exit /b 1
