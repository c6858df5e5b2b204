/** config/*.schema.json for editors, config/*.example.yaml to start from, docs/configuration.md to look up. */
import { configKinds } from '../../commands/config-kinds.ts'
import { configFiles, type ConfigFile } from '../config/files.ts'
import { exampleOf } from '../config/example.ts'
import { jsonSchemaOf, keysOf } from '../config/keys.ts'
import { referenceOf } from '../config/reference.ts'

const intro = `<!-- Generated from the zod schemas by "npm run generate". Do not edit. -->
# Configuration 配置参考

YAML files, checked before anything starts: all problems at once, each with file, line and key, exit code 2.
\`linkbell config check FILE…\` does only that. Unknown keys are errors. Commented examples stand in [config/](../config/).

配置采用 YAML，启动前整体校验：一次列出全部问题（文件、行号、键名），退出码为 2；\`linkbell config check 文件…\` 只做校验。
不认识的键视为错误。带注释的示例见 [config/](../config/)。

- **Secrets 密码**: \`password\` never stands in a file. Write \`password_file: PATH\`, or \`password: \${NAME}\` for a variable
  of the environment.
- **\`\${NAME}\`** in any text value is replaced from the environment; a missing variable is an error.
- **Paths 路径** that are written in a file (\`*_file\`, \`*_dir\`) are relative to that file; defaults are relative to the
  working directory.
- **Sizes and rates 单位**: \`512MiB\` is 2²⁰-based, \`30GB\` is 10⁹-based; \`500M\` and \`1G\` are bit/s with SI prefixes. Plain
  numbers are bytes and bit/s.
- **Editors 编辑器**: the first line of each example names its JSON Schema for yaml-language-server.
- **Changes 生效**: the registry and the standards are read again within seconds of a change, and a broken change leaves the
  last good state in use; the other files are read at start.
`

export async function outputs(): Promise<Map<string, string>> {
  const files = configFiles.map((file) => ({ file, schema: jsonSchemaOf(configKinds[file.name], file.en) }))
  const outputs = new Map<string, string>()
  for (const { file, schema } of files) {
    outputs.set(`config/${file.name}.schema.json`, `${JSON.stringify(schema, null, 2)}\n`)
    if (file.example === undefined) continue
    outputs.set(`config/${file.name}.example.yaml`, `${header(file)}\n${exampleOf(keysOf(schema), file.example)}`)
  }
  const sections = files.map(({ file, schema }) => {
    const example = file.example === undefined ? file.name : `${file.name}.example`
    const link = `[config/${example}.yaml](../config/${example}.yaml)`
    return `## ${file.name}.yaml\n\n${file.en} ${link}\n\n${file.zh}\n\n${referenceOf(keysOf(schema))}`
  })
  return outputs.set('docs/configuration.md', [intro, ...sections].join('\n'))
}

function header({ name, en, zh }: ConfigFile): string {
  return `# yaml-language-server: $schema=./${name}.schema.json
# ${en}
# ${zh}
# Generated from the schema: copy it, set what is set here, and take one \`#\` away from what you want to change.
# 由架构自动生成：复制后改成自己的值；要改默认值，去掉该行的一个 # 号。
`
}
