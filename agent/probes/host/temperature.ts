/** Temperature of the processor from sysfs: spawning `sensors` would cost seven child processes a minute. */
import { readdirSync, readFileSync } from 'node:fs'

type Sensor = { name: string; celsius: number }

/** What the kernel calls a sensor of the processor or of the chip around it. */
const processorNames = /cpu|x86_pkg|core|k10temp|soc|package/i

/** The hottest sensor of the processor, else the hottest of all; undefined where the kernel shows none. */
export function readTemperature(root = '/sys'): number | undefined {
  const sensors = [...thermalZones(`${root}/class/thermal`), ...hardwareMonitors(`${root}/class/hwmon`)].filter(
    // A sensor that is not wired up reads 0, -273 or 255 °C or the like.
    ({ celsius }) => celsius > -40 && celsius < 150 && celsius !== 0,
  )
  const processor = sensors.filter(({ name }) => processorNames.test(name))
  const chosen = processor.length > 0 ? processor : sensors
  return chosen.length > 0 ? Math.max(...chosen.map(({ celsius }) => celsius)) : undefined
}

function thermalZones(folder: string): Sensor[] {
  return list(folder)
    .filter((zone) => zone.startsWith('thermal_zone'))
    .map((zone) => sensorOf(read(`${folder}/${zone}/type`), `${folder}/${zone}/temp`))
}

function hardwareMonitors(folder: string): Sensor[] {
  return list(folder).flatMap((chip) =>
    list(`${folder}/${chip}`)
      .filter((file) => /^temp\d+_input$/.test(file))
      .map((file) => sensorOf(read(`${folder}/${chip}/name`), `${folder}/${chip}/${file}`)),
  )
}

/** Both folders count in thousandths of a degree. */
function sensorOf(name: string, path: string): Sensor {
  const text = read(path)
  return { name, celsius: text === '' ? Number.NaN : Number(text) / 1000 }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
