@echo off
rem Starts tmac out of this self-contained image.     TMAC_JAVA_OPTS   further JVM arguments
setlocal EnableExtensions DisableDelayedExpansion

for %%d in ("%~dp0..") do set "home=%%~fd"
if not defined TMAC_LLAMA_PATH set "TMAC_LLAMA_PATH=%home%\natives"

rem the JVM's own messages would else stand among the results, on standard output; without the cache it is slower to start, no more
"%home%\bin\java.exe" ^
    "-XX:AOTCache=%home%\lib\tmac.aot" -Xlog:disable -Xlog:all=warning,aot*=off,cds*=off:stderr ^
    --module-path "%home%\modules" --add-modules jdk.incubator.vector --enable-native-access=io.tmac4j.bindings,io.tmac4j.kernels,org.jline.terminal.ffm ^
    -XX:+UseSerialGC %TMAC_JAVA_OPTS% ^
    --module io.tmac4j.comparison/io.tmac4j.comparison.Tmac %*
exit /b %errorlevel%
